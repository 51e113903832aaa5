package rule

// Name is what an item lacks, and of which endpoint if only that one is withheld.
func (o Open) Name() string {
	if o.Endpoint != "" {
		return o.Missing + " of " + o.Endpoint
	}
	return o.Missing
}
