package generators

import "gatewright/catalog/rule"

func pacSettings(p *rule.Policy) []setting { return nil }

func squidSettings() []setting { return nil }
