let page = 1
