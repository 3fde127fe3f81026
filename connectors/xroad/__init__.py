"""X-Road messages, in its REST and its SOAP flavour, with the habits of NDXP."""
