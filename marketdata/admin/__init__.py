"""The store in the admin. Django finds an app's pages here."""

from marketdata.admin import action_admin, catalog_admin, day_admin, import_admin, row_admin, upload_admin

__all__ = ["action_admin", "catalog_admin", "day_admin", "import_admin", "row_admin", "upload_admin"]
