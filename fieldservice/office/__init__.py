"""What the company is made of, as the office sets it up and keeps it in the browser."""
