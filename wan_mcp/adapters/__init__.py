"""Each module here touches one outside thing and knows none of the others."""
