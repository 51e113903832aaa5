package rule

// Name is the missing fact, and the endpoint if only that one is withheld.
func (o Open) Name() string {
	if o.Endpoint != "" {
		return o.Missing + " of " + o.Endpoint
	}
	return o.Missing
}
