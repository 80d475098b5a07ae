"""What the pages need that a machine alone does not have."""


def prepare(page, reader, monkeypatch, request):
    """Lay out the folder and the names that a page takes for granted."""
