package http1

import "bytes"

// splitAuthority cuts "host", "host:port" or "[IPv6]:port" (RFC 3986 section 3.2, without userinfo, which RFC 9110
// section 4.2.4 forbids). Host and port may be empty, but a port has a host. A port is a number up to 65535. Of the IP
// literals only IPv6 addresses without a zone are known.
func splitAuthority(b []byte) (host, port []byte, ok bool) {
	end := hostEnd(b)
	if end < 0 {
		return nil, nil, false
	}
	host, port = b[:end], b[end:]
	if len(port) == 0 {
		return host, nil, true
	}
	if port[0] != ':' || len(host) == 0 {
		return nil, nil, false
	}
	return host, port[1:], isPort(port[1:])
}

// hostEnd returns the length of the host at the start of b, or -1.
func hostEnd(b []byte) int {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || !isIPv6(b[1:end]) {
			return -1
		}
		return end + 1
	}
	for i := 0; i < len(b); i++ {
		switch {
		case class[b[i]]&inHost != 0:
		case b[i] == ':':
			return i
		case b[i] == '%' && i+2 < len(b) && class[b[i+1]]&class[b[i+2]]&inHex != 0:
			i += 2
		default:
			return -1
		}
	}
	return len(b)
}

func isPort(b []byte) bool {
	n := 0
	for _, c := range b {
		if class[c]&inNumber == 0 {
			return false
		}
		if n = n*10 + int(c-'0'); n > 65535 {
			return false
		}
	}
	return true
}

// isIPv6 reports an IPv6address of RFC 3986 section 3.2.2: eight groups of up to four digits, the last two possibly as an
// IPv4 address, and one "::" for one group or more.
func isIPv6(b []byte) bool {
	groups, gap := 0, false
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = true, b[2:]
	}
	for len(b) > 0 {
		n := 0
		for n < len(b) && class[b[n]]&inHex != 0 {
			n++
		}
		if n < len(b) && b[n] == '.' && isIPv4(b) {
			groups += 2
			break
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		if b = b[n:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return false
		}
		b = b[1:]
		if b[0] == ':' {
			if gap {
				return false
			}
			gap, b = true, b[1:]
		}
	}
	return groups == 8 && !gap || groups < 8 && gap
}

// isIPv4 reports four numbers up to 255 without leading zeros, between dots.
func isIPv4(b []byte) bool {
	for octet := range 4 {
		if octet > 0 {
			if len(b) == 0 || b[0] != '.' {
				return false
			}
			b = b[1:]
		}
		n, v := 0, 0
		for n < len(b) && n < 4 && class[b[n]]&inNumber != 0 {
			v = v*10 + int(b[n]-'0')
			n++
		}
		if n == 0 || v > 255 || n > 1 && b[0] == '0' {
			return false
		}
		b = b[n:]
	}
	return len(b) == 0
}
