"""The comparison as a page that can be published: data first, then twin templates."""
