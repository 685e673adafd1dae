"""Each module here touches one outside thing and knows none of the others; over HTTP all go out by `web.py`."""
