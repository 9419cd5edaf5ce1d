"""JSON Schemas of what others read and write: documents, commands, records, events, files and results."""
