// Gatewright turns catalogues of service endpoints into nftables, iptables, PAC
// and Squid rules that all mean the same.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
