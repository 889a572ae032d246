"""What other programs may read and do: JSON below /api/v1, through the services that the pages use."""
