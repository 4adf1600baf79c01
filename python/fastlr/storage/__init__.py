"""What is kept in files: documents of versioned JSON, written whole or not at all, of which every field has a rule."""

from fastlr.storage.documents import MODEL_FORMAT, MODEL_VERSION, read_document, write_document
from fastlr.storage.replacing import check_writable, replaced
from fastlr.storage.storable import Storable

__all__ = [
    "MODEL_FORMAT",
    "MODEL_VERSION",
    "Storable",
    "check_writable",
    "read_document",
    "replaced",
    "write_document",
]
