"""The customer's face: book a visit, then see, change or cancel it behind its private link."""
