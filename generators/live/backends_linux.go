package live

// backends returns those of this machine, in the order of generators.
func backends() []Backend {
	return []Backend{nftablesBackend{}, iptablesBackend{}, pacBackend{}, squidBackend{}}
}
