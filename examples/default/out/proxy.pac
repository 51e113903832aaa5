// Gatewright: proxy auto-configuration file for machines of role clients; format 4
// load: install -D -m 644 proxy.pac /var/www/html/proxy.pac
// digest: sha256:ef4259487a9121107100b8092240a5c28766a0d3f135e19204cdf2372df38e1e
// source: m365-additional 2025-01-08
// source: m365-worldwide 2025-12-01 (a snapshot of that day; `gatewright fetch m365` replaces it)
// open: 51 not rendered; `gatewright list open` shows what is missing
// clients: point browsers to the file's URL on the web server; its type is application/x-ns-proxy-autoconfig
// WARNING: no proxy is set, so every request that a route would send to it goes direct; set pac.proxy=HOST:PORT
// left out: endpoints that do not change any answer

function FindProxyForURL(url, host) {
  return gatewright(String(url), String(host));
}

var gatewright = (function () {
  // Answers by route. Of two equally specific endpoints, the one with the lower route decides.
  var answers = [];
  // Route 0, direct:
  //     m365-additional/skype-screen-sharing (row 12): Skype for Business screen sharing, older clients [Office 2013 and earlier]
  //     m365-worldwide/1 (row 1): Exchange Online: Outlook and its web client
  //     m365-worldwide/10 (row 10): Exchange Online: mail transport
  //     m365-worldwide/12 (row 12): Teams: meetings, calls and chat
  //     m365-worldwide/163 (row 163): Intune: management of devices
  //     m365-worldwide/2 (row 2): Exchange Online: mail clients by IMAP, POP and submission
  //     m365-worldwide/31 (row 31): SharePoint and OneDrive: sites and files
  //     m365-worldwide/46 (row 46): Office on the web
  //     m365-worldwide/56 (row 56): Sign-in: Entra ID and Microsoft accounts
  //     m365-worldwide/64 (row 64): Security and compliance portals
  //     m365-worldwide/9 (row 9): Exchange Online Protection: management
  answers.push('DIRECT');
  // Route 1, proxy:
  //     m365-worldwide/105 (row 105): Outlook mobile: privacy page
  //     m365-worldwide/114 (row 114): Office mobile apps
  //     m365-worldwide/116 (row 116): Office for iPad
  //     m365-worldwide/117 (row 117): Viva Engage
  //     m365-worldwide/118 (row 118): Viva Engage: content delivery
  //     m365-worldwide/121 (row 121): Planner: further host
  //     m365-worldwide/122 (row 122): Sway: content delivery
  //     m365-worldwide/124 (row 124): Sway
  //     m365-worldwide/125 (row 125): Certificate authorities: revocation and issuing
  //     m365-worldwide/126 (row 126): Dictation in Office
  //     m365-worldwide/127 (row 127): Skype: shared domain
  //     m365-worldwide/147 (row 147): Microsoft 365 home page
  //     m365-worldwide/152 (row 152): Office scripts, and Python in Excel
  //     m365-worldwide/153 (row 153): Power Platform, from Office
  //     m365-worldwide/156 (row 156): Timeline of activities
  //     m365-worldwide/158 (row 158): Cortana
  //     m365-worldwide/159 (row 159): Administration centre
  //     m365-worldwide/16 (row 16): Teams: recorded and streamed media
  //     m365-worldwide/160 (row 160): Office clients: content delivery
  //     m365-worldwide/164 (row 164): Intune: Windows updates and delivery optimization
  //     m365-worldwide/169 (row 169): Intune: Windows services and phones
  //     m365-worldwide/17 (row 17): Teams: short links
  //     m365-worldwide/170 (row 170): Intune: scripts and Win32 applications
  //     m365-worldwide/171 (row 171): Intune: push notifications
  //     m365-worldwide/173 (row 173): Intune: attestation keys of TPM vendors
  //     m365-worldwide/179 (row 179): Intune: delivery of Android applications
  //     m365-worldwide/181 (row 181): Intune: remote help
  //     m365-worldwide/182 (row 182): Intune: collection of diagnostics
  //     m365-worldwide/184 (row 184): Unified domains of the cloud services
  //     m365-worldwide/186 (row 186): Intune: attestation of devices
  //     m365-worldwide/187 (row 187): Intune: remote help on Android
  //     m365-worldwide/188 (row 188): Intune: remote help of government tenants
  //     m365-worldwide/189 (row 189): Intune: feature flags
  //     m365-worldwide/19 (row 19): Teams: updates of devices
  //     m365-worldwide/192 (row 192): Intune: messages of the organization
  //     m365-worldwide/27 (row 27): Teams: joining and content delivery
  //     m365-worldwide/32 (row 32): OneDrive: support, telemetry and links in mail
  //     m365-worldwide/33 (row 33): SharePoint: hybrid search, where a crawler delivers to
  //     m365-worldwide/35 (row 35): OneDrive: push notifications and administration
  //     m365-worldwide/36 (row 36): OneDrive: updates of the sync client
  //     m365-worldwide/37 (row 37): SharePoint: content delivery
  //     m365-worldwide/39 (row 39): SharePoint: service hosts
  //     m365-worldwide/47 (row 47): Office: content delivery
  //     m365-worldwide/49 (row 49): OneNote
  //     m365-worldwide/50 (row 50): OneNote: notebooks under the publisher's own domain
  //     m365-worldwide/51 (row 51): OneNote: content delivery
  //     m365-worldwide/53 (row 53): OneNote and add-ins: libraries
  //     m365-worldwide/59 (row 59): Sign-in: content, and legacy domains
  //     m365-worldwide/66 (row 66): Cloud app security portal
  //     m365-worldwide/69 (row 69): Telemetry
  //     m365-worldwide/70 (row 70): Office: shared services and content
  //     m365-worldwide/71 (row 71): Office 365: general domain
  //     m365-worldwide/73 (row 73): Information protection
  //     m365-worldwide/75 (row 75): Reporting, forms and monitoring: further hosts
  //     m365-worldwide/78 (row 78): Office: further hosts under whole domains
  //     m365-worldwide/79 (row 79): Office: redirections
  //     m365-worldwide/8 (row 8): Exchange Online: autodiscover and hosts without fixed addresses
  //     m365-worldwide/83 (row 83): Activation of Office
  //     m365-worldwide/84 (row 84): Certificate revocation lists of the publisher
  //     m365-worldwide/86 (row 86): Office clients: configuration
  //     m365-worldwide/89 (row 89): Office clients: forward links
  //     m365-worldwide/91 (row 91): Office clients: shared libraries
  //     m365-worldwide/92 (row 92): Office: installation and updates
  //     m365-worldwide/93 (row 93): Office apps: maps, images and search
  //     m365-worldwide/95 (row 95): Outlook mobile
  //     m365-worldwide/96 (row 96): Outlook mobile: sign-in
  //     m365-worldwide/97 (row 97): Outlook mobile: personal accounts
  answers.push('DIRECT');
  var unmatched = 'DIRECT';

  // Endpoints of one class send the same ports to the same routes. Every key starts with
  // a dot or has a slash, so no host name matches a built-in property of objects.
  var services = [];   // class -> [first port, last port, route] of each range
  var names = {};      // '.www.example.com' -> class
  var subdomains = {}; // '.example.com' -> class of *.example.com
  var patterns = {};   // '.example.com' -> patterns of other shapes with this end
  var prefixes = prefixTable(); // '52.112.0.0/14' -> class
  var any = [];        // the class of any remote, if there is one

  var exactRank = 1000; // over every number of labels
  var maxName = 253;    // characters (RFC 1035)

  function answer(url, host) {
    var target = targetOf(url, host), matches = [];
    if (target.name !== '' && target.name.indexOf('.') < 0) {
      return 'DIRECT';
    }
    if (target.name !== '') {
      matches = matchesOfName(target.name).concat(matchesOfAny());
    } else if (target.address !== '') {
      matches = matchesOfAddress(prefixes, target.address).concat(matchesOfAny());
    }
    return decide(matches, target.port);
  }

  // The most specific match whose services include the port decides. Of equally
  // specific matches, the lowest route decides.
  function decide(matches, port) {
    var rank = -1, best = -1, i, route;
    for (i = 0; i < matches.length; i++) {
      route = routeOf(matches[i].services, port);
      if (route >= 0 && (matches[i].rank > rank || matches[i].rank === rank && route < best)) {
        rank = matches[i].rank;
        best = route;
      }
    }
    return best < 0 ? unmatched : answers[best];
  }

  function routeOf(index, port) {
    var ranges = services[index], i;
    for (i = 0; i < ranges.length; i++) {
      if (ranges[i][0] <= port && port <= ranges[i][1]) {
        return ranges[i][2];
      }
    }
    return -1;
  }

  function matchesOfAny() {
    return any.length > 0 ? [{rank: 0, services: any[0]}] : [];
  }

  function matchesOfName(name) {
    var found = [], rest = '.' + name, rank = name.split('.').length, dot, suffix;
    if (names[rest] !== undefined) {
      found.push({rank: exactRank, services: names[rest]});
    }
    for (dot = rest.indexOf('.', 1); dot > 0; dot = rest.indexOf('.', dot + 1)) {
      suffix = rest.substring(dot);
      if (subdomains[suffix] !== undefined) {
        found.push({rank: rank, services: subdomains[suffix]});
      }
      if (patterns[suffix] !== undefined) {
        found = found.concat(matchesOfPatterns(patterns[suffix], rest.substring(1, dot).split('.')));
      }
      rank--;
    }
    return found;
  }

  function matchesOfPatterns(list, labels) {
    var found = [], i;
    for (i = 0; i < list.length; i++) {
      if (headMatches(list[i].globs, labels)) {
        found.push(list[i]);
      }
    }
    return found;
  }

  // A first label * stands for one or more labels, every other glob for one label.
  function headMatches(globs, labels) {
    var more = labels.length - globs.length, i;
    if (more < 0 || more > 0 && globs[0] !== '*') {
      return false;
    }
    for (i = 0; i < globs.length; i++) {
      if (!labelMatches(globs[i], labels[i + more])) {
        return false;
      }
    }
    return true;
  }

  // * stands for zero or more characters.
  function labelMatches(glob, label) {
    var pieces = glob.split('*'), last = pieces.length - 1, from = pieces[0].length, i;
    if (last === 0) {
      return glob === label;
    }
    if (label.substring(0, from) !== pieces[0]) {
      return false;
    }
    for (i = 1; i < last; i++) {
      from = label.indexOf(pieces[i], from);
      if (from < 0) {
        return false;
      }
      from += pieces[i].length;
    }
    i = label.length - pieces[last].length;
    return i >= from && label.substring(i) === pieces[last];
  }

  function matchesOfAddress(table, address) {
    var found = [], lengths = table.lengths[address.length], i, index;
    for (i = 0; i < lengths.length; i++) {
      index = table.classes[prefixOf(address, lengths[i])];
      if (index !== undefined) {
        found.push({rank: lengths[i] + 1, services: index});
      }
    }
    return found;
  }

  // The lengths of the prefixes by family, and the classes by text. An address is 8
  // or 32 hexadecimal digits.
  function prefixTable() {
    return {classes: {}, lengths: {'8': [], '32': []}, seen: {}};
  }

  // The prefix of an address, written as in the tables: '52.112.0.0/14'.
  function prefixOf(address, length) {
    var whole = Math.floor(length / 4), step = 1 << (4 - length % 4), digit;
    var digits = address.substring(0, whole);
    if (step < 16) {
      digit = parseInt(address.charAt(whole), 16);
      digits += (digit - digit % step).toString(16);
    }
    digits += zeros(address.length - digits.length);
    return (digits.length === 8 ? ipv4Text(digits) : ipv6Text(digits)) + '/' + length;
  }

  function ipv4Text(digits) {
    var text = '', i;
    for (i = 0; i < 8; i += 2) {
      text += (i === 0 ? '' : '.') + parseInt(digits.substring(i, i + 2), 16);
    }
    return text;
  }

  // RFC 5952: the first of the longest runs of zero groups is left out.
  function ipv6Text(digits) {
    var parts = [], run = 0, longest = 1, start = -1, text = '', i;
    for (i = 0; i < 8; i++) {
      parts.push(parseInt(digits.substring(4 * i, 4 * i + 4), 16).toString(16));
      run = parts[i] === '0' ? run + 1 : 0;
      if (run > longest) {
        longest = run;
        start = i + 1 - run;
      }
    }
    for (i = 0; i < 8; i++) {
      if (i === start) {
        text += '::';
      } else if (i < start || i >= start + longest) {
        text += (i === 0 || i === start + longest ? '' : ':') + parts[i];
      }
    }
    return text;
  }

  // The host is read from the URL, which has it with its port. The argument host differs
  // between engines; some cut an IPv6 literal at its first colon. Name or address is
  // empty if the target has none, or if it is malformed.
  function targetOf(url, host) {
    var scheme = upTo(url, '/?#\\'), authority = host, colon, end;
    if (scheme.charAt(scheme.length - 1) === ':' && url.substring(scheme.length, scheme.length + 2) === '//') {
      authority = upTo(url.substring(scheme.length + 2), '/?#\\');
      scheme = scheme.toLowerCase();
    } else {
      scheme = '';
    }
    authority = authority.substring(authority.lastIndexOf('@') + 1).toLowerCase();
    if (authority.charAt(0) === '[') {
      end = authority.indexOf(']');
      return {
        name: '',
        address: end < 0 ? '' : ipv6(authority.substring(1, end)),
        port: portOf(scheme, authority.substring(end + 1))
      };
    }
    colon = authority.indexOf(':');
    if (colon >= 0 && authority.indexOf(':', colon + 1) >= 0) {
      return {name: '', address: ipv6(authority), port: portOf(scheme, '')};
    }
    if (colon < 0) {
      colon = authority.length;
    }
    return hostOf(authority.substring(0, colon), portOf(scheme, authority.substring(colon)));
  }

  function upTo(text, stops) {
    for (var i = 0; i < text.length; i++) {
      if (stops.indexOf(text.charAt(i)) >= 0) {
        return text.substring(0, i);
      }
    }
    return text;
  }

  // Port 0 belongs to no service.
  function portOf(scheme, text) {
    if (text !== '' && text !== ':') {
      return text.charAt(0) === ':' ? Math.max(0, number(text.substring(1), 10)) : 0;
    }
    switch (scheme) {
    case 'http:':
    case 'ws:':
      return 80;
    case 'https:':
    case 'wss:':
      return 443;
    case 'ftp:':
      return 21;
    }
    return 0;
  }

  // A host whose last label is a number is an IPv4 address or malformed (WHATWG URL).
  function hostOf(text, port) {
    var name = text, labels, last;
    if (name.charAt(name.length - 1) === '.') {
      name = name.substring(0, name.length - 1);
    }
    labels = name.split('.');
    last = labels[labels.length - 1];
    if (name.length > maxName || ('.' + name + '.').indexOf('..') >= 0) {
      return {name: '', address: '', port: port};
    }
    if (number(last, 10) >= 0 || ipv4Number(last) >= 0) {
      return {name: '', address: ipv4(labels), port: port};
    }
    return {name: name, address: '', port: port};
  }

  // As inet_aton reads it: up to four numbers; the last one fills the remaining bytes.
  function ipv4(parts) {
    var value = 0, last = parts.length - 1, i, n;
    if (last > 3) {
      return '';
    }
    for (i = 0; i <= last; i++) {
      n = ipv4Number(parts[i]);
      if (n < 0 || n >= (i < last ? 256 : Math.pow(256, 4 - last))) {
        return '';
      }
      value += i < last ? n * Math.pow(256, 3 - i) : n;
    }
    return hex(value, 8);
  }

  // Hexadecimal after 0x, octal after 0; -1 if it is not a number.
  function ipv4Number(text) {
    if (text === '0x') {
      return 0;
    }
    if (text.substring(0, 2) === '0x') {
      return number(text.substring(2), 16);
    }
    return number(text, text.charAt(0) === '0' ? 8 : 10);
  }

  function number(text, base) {
    var value = 0, i, digit;
    for (i = 0; i < text.length; i++) {
      digit = '0123456789abcdef'.indexOf(text.charAt(i));
      if (digit < 0 || digit >= base) {
        return -1;
      }
      value = value * base + digit;
    }
    return text === '' ? -1 : value;
  }

  function hex(value, digits) {
    return ('0000000' + value.toString(16)).slice(-digits);
  }

  // RFC 4291 section 2.2. An IPv4-mapped address is the IPv4 address; a zone is
  // malformed.
  function ipv6(text) {
    var gap, head, tail, digits;
    text = withoutQuad(text);
    gap = text.indexOf('::');
    if (gap < 0) {
      digits = groups(text);
    } else {
      head = text.substring(0, gap);
      tail = text.substring(gap + 2);
      head = head === '' ? '' : groups(head);
      tail = tail === '' ? '' : groups(tail);
      digits = head + zeros(32 - head.length - tail.length) + tail;
      if (head.length + tail.length > 28) {
        return '';
      }
    }
    if (digits.length !== 32 || digits.indexOf('x') >= 0) {
      return '';
    }
    return digits.substring(0, 24) === zeros(20) + 'ffff' ? digits.substring(24) : digits;
  }

  // The dotted quad at the end of an IPv6 address, as two groups; 'x' if malformed.
  function withoutQuad(text) {
    var start = text.lastIndexOf(':') + 1, parts = text.substring(start).split('.'), i, value = '';
    if (parts.length === 1) {
      return text;
    }
    for (i = 0; i < parts.length; i++) {
      if (parts.length !== 4 || String(number(parts[i], 10)) !== parts[i] || parts[i] > 255) {
        return 'x';
      }
      value += hex(number(parts[i], 10), 2);
    }
    return text.substring(0, start) + value.substring(0, 4) + ':' + value.substring(4);
  }

  // Each group with all its digits; 'x' if one is malformed.
  function groups(text) {
    var list = text.split(':'), all = '', i;
    for (i = 0; i < list.length; i++) {
      if (list[i].length > 4 || number(list[i], 16) < 0) {
        return 'x';
      }
      all += hex(number(list[i], 16), 4);
    }
    return all;
  }

  function zeros(count) {
    return '00000000000000000000000000000000'.substring(0, Math.max(0, count));
  }

  function addServices(index, route, lines) {
    var list = words(lines), i, range;
    if (services[index] === undefined) {
      services[index] = [];
    }
    for (i = 0; i < list.length; i++) {
      range = list[i].split('-');
      services[index].push([Number(range[0]), Number(range[range.length - 1]), route]);
    }
  }

  function addNames(table, index, lines) {
    var list = words(lines), i;
    for (i = 0; i < list.length; i++) {
      table['.' + list[i]] = index;
    }
  }

  // A pattern is stored under the part after its last label with a star.
  function addPatterns(index, lines) {
    var list = words(lines), i, dot, suffix;
    for (i = 0; i < list.length; i++) {
      dot = list[i].indexOf('.', list[i].lastIndexOf('*'));
      suffix = list[i].substring(dot);
      if (patterns[suffix] === undefined) {
        patterns[suffix] = [];
      }
      patterns[suffix].push({
        globs: list[i].substring(0, dot).split('.'),
        rank: list[i].split('.').length,
        services: index
      });
    }
  }

  function addPrefixes(table, index, lines) {
    var list = words(lines), i, digits, length;
    for (i = 0; i < list.length; i++) {
      digits = list[i].indexOf(':') < 0 ? '8' : '32';
      length = list[i].substring(list[i].indexOf('/') + 1);
      table.classes[list[i]] = index;
      if (!table.seen[digits + '/' + length]) {
        table.seen[digits + '/' + length] = true;
        table.lengths[digits].push(Number(length));
      }
    }
  }

  function words(lines) {
    var all = [], list, i, j;
    for (i = 0; i < lines.length; i++) {
      list = lines[i].split(' ');
      for (j = 0; j < list.length; j++) {
        all.push(list[j]);
      }
    }
    return all;
  }

  // Class 0.
  addServices(0, 0, [
'143 587 993 995'
  ]);
  addNames(names, 0, [
'smtp.office365.com'
  ]);

  // Class 1.
  addServices(1, 0, [
'25 443'
  ]);
  addPrefixes(prefixes, 1, [
'40.92.0.0/15 40.107.0.0/16',
'52.100.0.0/14',
'104.47.0.0/17',
'2a01:111:f400::/48 2a01:111:f403::/48'
  ]);

  // Class 2.
  addServices(2, 0, [
'25'
  ]);
  addNames(subdomains, 2, [
'mail.protection.outlook.com',
'mx.microsoft'
  ]);

  // Class 3.
  addServices(3, 0, [
'443'
  ]);
  addNames(names, 3, [
'compliance.microsoft.com defender.microsoft.com purview.microsoft.com security.microsoft.com',
'protection.office.com'
  ]);
  addNames(subdomains, 3, [
'security.microsoft.com',
'protection.office.com',
'protection.outlook.com'
  ]);
  addPrefixes(prefixes, 3, [
'13.107.6.192/32 13.107.9.192/32',
'52.238.78.88/32',
'2620:1ec:4::192/128 2620:1ec:a92::192/128'
  ]);

  // Class 4.
  addServices(4, 0, [
'80 143 443 587 993 995'
  ]);
  addNames(names, 4, [
'outlook.office365.com'
  ]);
  addPrefixes(prefixes, 4, [
'13.107.6.152/31 13.107.18.10/31 13.107.128.0/22',
'23.103.160.0/20',
'40.96.0.0/13 40.104.0.0/15',
'52.96.0.0/14',
'131.253.33.215/32',
'132.245.0.0/16',
'150.171.32.0/22',
'204.79.197.215/32',
'2603:1006::/40 2603:1016::/36 2603:1026::/36 2603:1036::/36 2603:1046::/36 2603:1056::/36',
'2620:1ec:4::152/127 2620:1ec:c::10/127 2620:1ec:d::10/127 2620:1ec:8f0::/46 2620:1ec:900::/46 2620:1ec:a92::152/127'
  ]);

  // Class 5.
  addServices(5, 0, [
'80 443'
  ]);
  addNames(names, 5, [
'office.live.com',
'graph.microsoft.com login.microsoft.com manage.microsoft.com teams.microsoft.com',
'autologon.microsoftazuread-sso.com',
'adminwebservice.microsoftonline.com becws.microsoftonline.com companymanager.microsoftonline.com login.microsoftonline.com ccs.login.microsoftonline.com device.login.microsoftonline.com login-us.microsoftonline.com logincert.microsoftonline.com loginex.microsoftonline.com passwordreset.microsoftonline.com api.passwordreset.microsoftonline.com provisioningapi.microsoftonline.com',
'login.microsoftonline-p.com nexus.microsoftonline-p.com',
'outlook.office.com',
'account.activedirectory.windowsazure.com',
'outlook.cloud.microsoft teams.cloud.microsoft',
'clientconfig.microsoftonline-p.net',
'accounts.accesscontrol.windows.net graph.windows.net login.windows.net'
  ]);
  addNames(subdomains, 5, [
'officeapps.live.com',
'lync.com',
'auth.microsoft.com manage.microsoft.com teams.microsoft.com',
'msftidentity.com',
'msidentity.com',
'online.office.com',
'sharepoint.com',
'teams.cloud.microsoft'
  ]);
  addPrefixes(prefixes, 5, [
'4.145.74.224/27 4.150.254.64/27 4.154.145.224/27 4.200.254.32/27 4.207.244.0/27 4.213.25.64/27 4.213.86.128/25 4.216.205.32/27 4.237.143.128/25',
'13.67.13.176/28 13.67.15.128/27 13.69.67.224/28 13.69.231.128/28 13.70.78.128/28 13.70.79.128/27 13.74.111.192/27 13.77.53.176/28 13.86.221.176/28 13.89.174.240/28 13.89.175.192/28 13.107.6.171/32 13.107.18.15/32 13.107.136.0/22 13.107.140.6/32',
'20.20.32.0/19 20.37.153.0/24 20.37.192.128/25 20.38.81.0/24 20.41.1.0/24 20.42.1.0/24 20.42.130.0/24 20.42.224.128/25 20.43.129.0/24 20.44.19.224/27 20.91.147.72/29 20.168.189.128/27 20.189.172.160/27 20.189.229.0/25 20.190.128.0/18 20.191.167.0/25 20.192.159.40/29 20.192.174.216/29 20.199.207.192/28 20.204.193.10/31 20.204.193.12/30 20.204.194.128/31 20.208.149.192/27 20.208.157.128/27 20.214.131.176/29 20.231.128.0/19',
'40.67.121.224/27 40.70.151.32/28 40.71.14.96/28 40.74.25.0/24 40.78.245.240/28 40.78.247.128/27 40.79.197.64/27 40.79.197.96/28 40.80.180.208/28 40.80.180.224/27 40.80.184.128/25 40.82.248.224/28 40.82.249.128/25 40.84.70.128/25 40.108.128.0/17 40.119.8.128/25 40.126.0.0/18',
'48.218.252.128/25',
'52.104.0.0/14 52.108.0.0/14 52.112.0.0/14 52.122.0.0/15 52.150.137.0/25 52.162.111.96/28 52.168.116.128/27 52.182.141.192/27 52.236.189.96/27 52.240.244.160/27 52.244.37.168/32',
'57.151.0.192/27 57.153.235.0/25 57.154.140.128/25 57.154.195.0/25 57.155.45.128/25',
'68.218.134.96/27',
'74.224.214.64/27 74.242.35.0/25',
'104.46.162.96/27 104.146.128.0/17 104.208.197.64/27',
'150.171.40.0/22',
'172.160.217.160/27 172.201.237.160/27 172.202.86.192/27 172.205.63.0/25 172.212.214.0/25 172.215.131.0/27',
'2603:1006:1400::/40 2603:1006:2000::/48 2603:1007:200::/48 2603:1016:1400::/48 2603:1016:2400::/40 2603:1017::/48 2603:1026:2400::/40 2603:1026:3000::/48 2603:1027::/48 2603:1027:1::/48 2603:1036:2400::/40 2603:1036:3000::/48 2603:1037::/48 2603:1037:1::/48 2603:1046:1400::/40 2603:1046:2000::/48 2603:1047::/48 2603:1047:1::/48 2603:1056:1400::/40 2603:1056:2000::/48 2603:1057::/48 2603:1057:2::/48 2603:1061:1300::/40 2603:1063::/38 2603:1063:2000::/38 2603:1063:6000::/35',
'2620:1ec:6::/48 2620:1ec:c::15/128 2620:1ec:40::/42 2620:1ec:8f8::/46 2620:1ec:8fc::6/128 2620:1ec:908::/46 2620:1ec:a92::171/128',
'2a01:111:f100:2000::a83e:3019/128 2a01:111:f100:2002::8975:2d79/128 2a01:111:f100:2002::8975:2da8/128 2a01:111:f100:7000::6fdd:6cd5/128 2a01:111:f100:a004::bfeb:88cf/128 2a01:111:f402::/48'
  ]);

  // Class 6.
  addServices(6, 1, [
'443'
  ]);
  addNames(subdomains, 6, [
'trouter.teams.microsoft.com'
  ]);
  addPatterns(6, [
'*cdn.onenote.net'
  ]);

  // Class 7.
  addServices(7, 1, [
'80 443'
  ]);
  addNames(names, 7, [
'cdn.odc.officeapps.live.com cdn.uci.officeapps.live.com'
  ]);
  addPatterns(7, [
'autodiscover.*.onmicrosoft.com'
  ]);

  return answer;
})();
