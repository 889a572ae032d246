"""Between the rows and the scheduler: what can be offered, promised, improved and adopted."""
