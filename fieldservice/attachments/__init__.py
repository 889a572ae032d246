"""Photos and documents of visits: rows and files together, how they come in, how they are handed out."""
