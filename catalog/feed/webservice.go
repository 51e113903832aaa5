package feed

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
	"gatewright/catalog/suggest"
)

// WebService is the Microsoft 365 endpoints web service, as the publisher documents
// it: https://learn.microsoft.com/microsoft-365/enterprise/microsoft-365-ip-web-service
type WebService struct {
	Client    *Client
	Base      string // empty for the publisher's
	RequestID string // GUID of this machine's own, sent as ClientRequestId
}

const webServiceBase = "https://endpoints.office.com"

// askVersionEvery is how often the publisher wants /version to be asked at most.
const askVersionEvery = time.Hour

// Instances are those that the web service still has.
func Instances() []string {
	return slices.DeleteFunc(M365Instances(), func(i string) bool { return i == "Germany" })
}

// ServiceAreas are those that the web service has; Common comes with each of them.
func ServiceAreas() []string { return []string{"Common", "Exchange", "MEM", "SharePoint", "Skype"} }

// Extract is a part of what the web service holds.
type Extract struct {
	Instance string   // one of Instances
	Areas    []string // some of ServiceAreas; empty for all
	Tenant   string   // one DNS label, put into names where the tenant stands; may be empty
}

// NewExtract checks what it is made of; letter case does not count.
func NewExtract(instance string, areas []string, tenant string) (Extract, error) {
	e := Extract{Tenant: strings.ToLower(tenant)}
	var err error
	if strings.EqualFold(instance, "Germany") {
		return e, errors.New("the publisher closed the instance Germany in 2021; use Worldwide")
	}
	if e.Instance, err = oneOf("instance", instance, Instances()); err != nil {
		return e, err
	}
	for _, one := range areas {
		area, err := oneOf("service area", one, ServiceAreas())
		if err != nil {
			return e, err
		}
		e.Areas = append(e.Areas, area)
	}
	slices.Sort(e.Areas)
	e.Areas = slices.Compact(e.Areas)
	if tenant != "" && !netset.IsHostLabel(tenant) {
		return e, fmt.Errorf("bad tenant %q; write the one label of letters, digits and inner hyphens before .onmicrosoft.com, such as contoso", tenant)
	}
	return e, nil
}

func oneOf(what, word string, known []string) (string, error) {
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, word) })
	if i < 0 {
		return "", fmt.Errorf("the web service has no %s %q; %s", what, word, suggest.OneOf(word, known))
	}
	return known[i], nil
}

// VersionSource, EndpointsSource and ChangesSource are the URLs of an extract without
// the machine's own ClientRequestId.
func (s WebService) VersionSource(e Extract) string { return s.source("version", e.Instance, nil) }

// EndpointsSource: see VersionSource.
func (s WebService) EndpointsSource(e Extract) string {
	query := url.Values{}
	if len(e.Areas) > 0 {
		query.Set("ServiceAreas", strings.Join(e.Areas, ","))
	}
	if e.Tenant != "" {
		query.Set("TenantName", e.Tenant)
	}
	return s.source("endpoints", e.Instance, query)
}

// ChangesSource names every change since the web service began.
func (s WebService) ChangesSource(e Extract) string {
	return s.source("changes", e.Instance+"/0000000000", nil)
}

func (s WebService) source(method, rest string, query url.Values) string {
	base := s.Base
	if base == "" {
		base = webServiceBase
	}
	source := base + "/" + method + "/" + rest
	if len(query) > 0 {
		source += "?" + query.Encode()
	}
	return source
}

// Get asks for one of the sources.
func (s WebService) Get(ctx context.Context, source string) (Answer, error) {
	u, err := url.Parse(source)
	if err != nil {
		return Answer{}, err
	}
	query := u.Query()
	query.Set("ClientRequestId", s.RequestID)
	u.RawQuery = query.Encode()
	return s.Client.Get(ctx, Query{URL: u.String()})
}

// Latest asks for the newest version of an instance, ten digits YYYYMMDDNN, and says
// for how long the answer is to be believed.
func (s WebService) Latest(ctx context.Context, e Extract) (version string, fresh time.Duration, err error) {
	source := s.VersionSource(e)
	a, err := s.Get(ctx, source)
	if err != nil {
		return "", 0, err
	}
	version, err = readVersion(source, a.Data, e.Instance)
	return version, max(a.Fresh, askVersionEvery), err
}

// readVersion reads the answer of /version: an object of an instance and its latest
// version, or an array of them. Other keys are the publisher's business.
func readVersion(source string, data []byte, instance string) (string, error) {
	if isMarkup(data) {
		return "", fmt.Errorf("%s: %w", source, errMarkup)
	}
	doc, err := jsonc.Parse(source, data)
	if err != nil {
		return "", err
	}
	for v := range elements(doc.Root()) {
		if !strings.EqualFold(member(v, "instance").Text(), instance) {
			continue
		}
		latest := member(v, "latest")
		if !IsVersion(latest.Text()) {
			return "", v.Errorf(`expected "latest" with a version of ten digits, YYYYMMDDNN`)
		}
		return latest.Text(), nil
	}
	return "", doc.Root().Errorf(`expected the "latest" version of the "instance" %s`, instance)
}

// IsVersion reports whether s is a version of the web service: ten digits, a day and
// a number of two.
func IsVersion(s string) bool {
	if len(s) != len("YYYYMMDDNN") || strings.Trim(s, "0123456789") != "" {
		return false
	}
	_, err := time.Parse("20060102", s[:8])
	return err == nil
}
