print("solder")
