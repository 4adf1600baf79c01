"""Files to read: any text, or the same table in any format."""

import pytest

from table_files import FORMATS


@pytest.fixture
def write(tmp_path):
    def written(data, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return written


@pytest.fixture(params=FORMATS)
def any_format(request, tmp_path):
    path = tmp_path / f"table.{request.param}"
    FORMATS[request.param](path)
    return path
