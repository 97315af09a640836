package gate

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/audit"
)

// Credential is the token that a call brings: as a bearer, or as the password that browsers ask for.
func Credential(r *http.Request) (token string, sent bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", false
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}
	return strings.TrimSpace(token), true
}

// from is where a call comes from. What a call says of that itself is believed of a trusted proxy only, which adds at the
// right who called it: the last address that is not of such a proxy called.
func (g *Gate) from(r *http.Request) string {
	peer, ok := addressOf(r.RemoteAddr)
	if !ok {
		return audit.Local
	}
	if !g.trusts(peer) {
		return peer.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := addressOf(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		if peer = hop; !g.trusts(hop) {
			break
		}
	}
	return peer.String()
}

// customer is how many bits of an IPv6 address are a customer's network, in which whoever has it makes up addresses.
const customer = 64

// network is whom calls from an address are counted for that are not recognised.
func network(from string) string {
	address, err := netip.ParseAddr(from)
	if err != nil || !address.Is6() {
		return from
	}
	prefix, err := address.Prefix(customer)
	if err != nil {
		return from
	}
	return prefix.String()
}

func addressOf(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return address.Unmap().WithZone(""), err == nil
}

func (g *Gate) trusts(address netip.Addr) bool {
	for _, proxy := range g.Proxies {
		if proxy.Contains(address) {
			return true
		}
	}
	return false
}

// ParseProxies reads addresses and networks.
func ParseProxies(list []string) ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if address, addressErr := netip.ParseAddr(text); addressErr == nil {
			address = address.Unmap()
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "%q is neither an address nor a network; write 10.0.0.7 or 10.0.0.0/8", text)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}
