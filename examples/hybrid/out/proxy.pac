// Gatewright: proxy auto-configuration file for machines of role clients; format 4
// load: install -D -m 644 proxy.pac /var/www/html/proxy.pac
// digest: sha256:9d12edd769772c2c89dbb007d1271e49ab030d84c4db54e74f7db0db19b93f3d
// source: exchange-online 2020080600
// source: m365-additional 2025-01-08
// clients: point browsers to the file's URL on the web server; its type is application/x-ns-proxy-autoconfig
// left out: endpoints that do not change any answer

function FindProxyForURL(url, host) {
  return gatewright(String(url), String(host));
}

var gatewright = (function () {
  // Answers by route. Of two equally specific endpoints, the one with the lower route decides.
  var answers = [];
  // Route 0, direct:
  //     exchange-online/mailbox-servers (row 1): Exchange Online mailbox servers
  //     m365-additional/network-connection-status (row 24): Network Connection Status Indicator of Windows 10 and 11
  //     m365-additional/skype-screen-sharing (row 12): Skype for Business screen sharing, older clients [Office 2013 and earlier]
  //     m365-additional/stream (row 21): Stream, worldwide and GCC
  answers.push('DIRECT');
  // Route 1, proxy: no entries
  answers.push('PROXY proxy1.contoso.com:8080; PROXY proxy2.contoso.com:8080');
  var unmatched = 'PROXY proxy1.contoso.com:8080; PROXY proxy2.contoso.com:8080';

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
'443'
  ]);
  addNames(names, 0, [
's0.assets-yammer.com',
'vortex.data.microsoft.com',
'api.microsoftstream.com web.microsoftstream.com',
'amp.azure.net',
'az416426.vo.msecnd.net'
  ]);
  addNames(subdomains, 0, [
'api.microsoftstream.com',
'cloudapp.net'
  ]);
  addPrefixes(prefixes, 0, [
'52.112.0.0/14'
  ]);

  // Class 1.
  addServices(1, 0, [
'80 443'
  ]);
  addNames(names, 1, [
'outlook.office.com',
'outlook.office365.com'
  ]);
  addPrefixes(prefixes, 1, [
'13.107.6.152/31 13.107.18.10/31 13.107.128.0/22',
'23.103.160.0/20',
'40.96.0.0/13 40.104.0.0/15',
'52.96.0.0/14',
'131.253.33.215/32',
'132.245.0.0/16',
'150.171.32.0/22',
'204.79.197.215/32',
'2603:1006::/40 2603:1016::/36 2603:1026::/36 2603:1036::/36 2603:1046::/36 2603:1056::/36 2603:1096::/38 2603:1096:400::/40 2603:1096:600::/40 2603:1096:a00::/39 2603:1096:c00::/40 2603:10a6:200::/40 2603:10a6:400::/40 2603:10a6:600::/40 2603:10a6:800::/40 2603:10d6:200::/40',
'2620:1ec:4::152/127 2620:1ec:c::10/127 2620:1ec:d::10/127 2620:1ec:8f0::/46 2620:1ec:900::/46 2620:1ec:a92::152/127',
'2a01:111:f400::/48'
  ]);

  // Class 2.
  addServices(2, 0, [
'80'
  ]);
  addNames(names, 2, [
'www.msftconnecttest.com'
  ]);

  return answer;
})();
