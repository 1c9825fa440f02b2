package mail

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Known says how far a fact about a sender is known.
type Known string

// The results of the check of a [Fact].
const (
	FactOkay    Known = "okay"
	FactMissing Known = "MISSING"   // mailbox providers want it
	FactUnknown Known = "not known" // the lookup failed, or nothing can tell
)

// Fact is something that mailbox providers want of a sender.
type Fact struct {
	Name   string // such as SPF
	Known  Known
	Failed bool   // a lookup failed: the same check may have a result later
	Text   string // in one sentence
}

// leastDKIM is the length of an RSA key in bits that Gmail takes ("Email sender guidelines"; RFC
// 8301 section 3.2).
const leastDKIM = 1024

// CheckSender looks up the records of a sender's domain: MX, SPF, DKIM of a selector, and DMARC. It
// does not evaluate whether the mail server's address is in the SPF record, and only a received mail
// shows the signature. From is the sender as in [Config]. An error is about from.
func CheckSender(ctx context.Context, resolver *net.Resolver, from, selector string) ([]Fact, error) {
	address, err := sender(from)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(address.Address, "@")
	d := domainCheck{ctx, resolver, strings.TrimSuffix(domain, ".")}
	return []Fact{d.mx(), d.spf(), d.dkim(selector), d.dmarc()}, nil
}

type domainCheck struct {
	ctx      context.Context //nolint:containedctx // of one check
	resolver *net.Resolver
	domain   string
}

// txt are the TXT records of a name that begin with a version tag. No record is no error.
func (d domainCheck) txt(name, version string) (found []string, err error) {
	all, err := d.resolver.LookupTXT(d.ctx, name+".") // the dot: no search list is tried
	if absent(err) {
		return nil, nil
	}
	for _, text := range all {
		tag, _, _ := strings.Cut(strings.ReplaceAll(text, ";", " ")+" ", " ")
		if strings.EqualFold(strings.TrimSpace(tag), version) {
			found = append(found, text)
		}
	}
	return found, err
}

func absent(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

func failedLookup(name string) Fact {
	return Fact{name, FactUnknown, true, "the lookup failed; try again"}
}

func (d domainCheck) mx() Fact {
	found, err := d.resolver.LookupMX(d.ctx, d.domain+".")
	switch {
	case absent(err) || err == nil && len(found) == 0:
		return Fact{"MX", FactMissing, false, d.domain + " receives no mail: bounces and replies are lost, and some servers refuse such a sender"}
	case err != nil && len(found) == 0:
		return failedLookup("MX")
	case found[0].Host == ".": // RFC 7505
		return Fact{"MX", FactMissing, false, d.domain + " says that it takes no mail (null MX): servers may refuse such a sender"}
	default:
		return Fact{"MX", FactOkay, false, d.domain + " receives mail at " + strings.TrimSuffix(found[0].Host, ".")}
	}
}

// spf judges by RFC 7208: more than one record is an error (section 4.5).
func (d domainCheck) spf() Fact {
	found, err := d.txt(d.domain, "v=spf1")
	switch {
	case err != nil:
		return failedLookup("SPF")
	case len(found) == 0:
		return Fact{"SPF", FactMissing, false, "add a TXT record of " + d.domain + " that begins with v=spf1 and includes your mail provider"}
	case len(found) > 1:
		return Fact{"SPF", FactMissing, false, fmt.Sprintf("%s has %d SPF records, which count as none: join them", d.domain, len(found))}
	}
	for term := range strings.FieldsSeq(strings.ToLower(found[0])) {
		if term == "all" || term == "+all" {
			return Fact{"SPF", FactMissing, false, "the record allows every server of the world: end it with ~all or -all"}
		}
	}
	return Fact{"SPF", FactOkay, false, "compare with your provider's page whether it is in: " + found[0]}
}

func (d domainCheck) dkim(selector string) Fact {
	if selector == "" {
		return Fact{"DKIM", FactUnknown, false, "name the selector of your provider with --dkim-selector"}
	}
	name := selector + "._domainkey." + d.domain
	all, err := d.resolver.LookupTXT(d.ctx, name+".")
	switch {
	case absent(err) || err == nil && len(all) == 0:
		return Fact{"DKIM", FactMissing, false, "there is no key at " + name + ": add the record that your mail provider shows"}
	case err != nil:
		return failedLookup("DKIM")
	}
	if fault := keyFault(tags(all[0])); fault != "" {
		return Fact{"DKIM", FactMissing, false, "the key at " + name + " " + fault}
	}
	return Fact{"DKIM", FactOkay, false, "there is a key at " + name + "; the received mail shows whether your provider signs with it"}
}

// keyFault is why a key record (RFC 6376 section 3.6.1) is of no use, "" for a good one.
func keyFault(t map[string]string) string {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(t["p"]), ""))
	switch {
	case t["p"] == "":
		return "is withdrawn, or none"
	case err != nil:
		return "cannot be read"
	case t["k"] != "" && t["k"] != "rsa":
		return ""
	}
	public, err := x509.ParsePKIXPublicKey(der)
	key, ok := public.(*rsa.PublicKey)
	switch {
	case err != nil || !ok:
		return "cannot be read"
	case key.N.BitLen() < leastDKIM:
		return fmt.Sprintf("has %d bits: Gmail takes %d and more, and 2048 are usual", key.N.BitLen(), leastDKIM)
	}
	return ""
}

// dmarc looks for the record at the domain, and then at each domain above it (RFC 9989, "DNS Tree
// Walk").
func (d domainCheck) dmarc() Fact {
	for domain := d.domain; strings.Contains(domain, "."); _, domain, _ = strings.Cut(domain, ".") {
		found, err := d.txt("_dmarc."+domain, "v=DMARC1")
		switch {
		case err != nil:
			return failedLookup("DMARC")
		case len(found) == 0:
			continue
		case len(found) > 1:
			return Fact{"DMARC", FactMissing, false, domain + " has several DMARC records, which count as none: join them"}
		}
		switch policy := strings.ToLower(tags(found[0])["p"]); policy {
		case "none", "quarantine", "reject":
			return Fact{"DMARC", FactOkay, false, "the policy of " + domain + " is " + policy}
		default:
			return Fact{"DMARC", FactMissing, false, "the record of " + domain + " has no policy: add p=none at least"}
		}
	}
	return Fact{"DMARC", FactMissing, false, `add a TXT record of _dmarc.` + d.domain + ` with at least "v=DMARC1; p=none"`}
}

// tags are those of a record such as "v=DMARC1; p=none".
func tags(record string) map[string]string {
	found := map[string]string{}
	for part := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(part, "=")
		found[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return found
}
