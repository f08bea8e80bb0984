//! What a browser, a stranger and a careless client notice of the page's server, over real sockets.
