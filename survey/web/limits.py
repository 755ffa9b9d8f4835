"""Where a request comes from, as far as limits need to know: a network, counted under the key of a day, not kept."""

import ipaddress

from flask import request

# Behind one address of these sizes are a street or a company: IPv4 /24, IPv6 /48.
PREFIX_LENGTHS = {4: 24, 6: 48}


def network_of_request(n_proxies: int) -> str | None:
    """The network of the reader, such as `203.0.113.0/24`; None where it is not known.

    It is not known behind a proxy that the settings do not name: there everybody would have the proxy's address.

    :param n_proxies: how many proxies stand before this server, each adding the address it was asked from.
    """
    return network_of(address_of_request(n_proxies))


def address_of_request(n_proxies: int) -> str:
    """Where the request comes from, as the outermost proxy of ours saw it; empty where they did not say."""
    if not n_proxies:
        return request.remote_addr or ""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For")).split(",")
    # Only the last ones were written by our proxies; whatever stands before them the reader may have made up.
    return forwarded[-n_proxies].strip() if len(forwarded) >= n_proxies else ""


def network_of(address: str) -> str | None:
    """The network of an address; None for this machine's own and for what is no address."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = getattr(read, "ipv4_mapped", None)
    read = mapped or read
    if read.is_loopback or read.is_unspecified:
        return None
    return str(ipaddress.ip_network((read, PREFIX_LENGTHS[read.version]), strict=False))
