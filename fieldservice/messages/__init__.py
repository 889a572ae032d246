"""Messages to customers: what the outbox holds goes out, and only as long as it is true."""
