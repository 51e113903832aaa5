// Package kernel reads nftables back from the kernel by netlink. It knows the rules
// that package nftables renders and refuses all others, so that nothing is
// overlooked.
package kernel
