"""In which order candidates are tried."""

PREFERENCE = "preference"
PRICE = "price"
STOCK = "stock"
ORDERS = (PREFERENCE, PRICE, STOCK)
