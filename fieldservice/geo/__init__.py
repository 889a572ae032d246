"""Maps: travel times, route geometry, addresses and base-map tiles, all read from one imported directory.

Nothing here knows the product's database or the web. `imports` writes a map directory,
everything else reads it.
"""
