extension ReportPage {
  /// The page of one report: a treemap that can be entered, a list that can be searched, why something is there, what was
  /// dropped.
  static let sizeScript = #"""
    const items = data.items.map((item, index) => ({
      index, kind: item.kind, name: item.name, symbol: item.symbol || "", size: item.size || 0, memory: item.memory || 0,
      unit: item.unit === undefined ? null : data.units[item.unit],
      section: item.section === undefined ? "" : data.sections[item.section].name, because: item.because,
    }));
    function place(unit) { return unit === null ? "(linker)" : unit.member ? `${unit.file}(${unit.member})` : unit.file; }
    function short(unit) { return place(unit).replace(/^.*\/(?=[^/(]+(\(|$))/, ""); }
    const ways = {
      "by file": item => item.unit === null ? ["(linker)", item.section, item.name]
        : item.unit.member ? [item.unit.file, item.unit.member, item.name] : [item.unit.file, item.name],
      "by section": item => [item.section || "(memory only)", place(item.unit), item.name],
      "by kind": item => [item.kind, place(item.unit), item.name],
    };
    let way = "by file", measure = "size", path = [], text = "";
    const map = make("div", { id: "map" }), crumbs = make("p", { id: "crumbs" }), list = make("div", { id: "list" });
    const why = make("div", { id: "why" }), tabs = make("nav");

    function tree() {
      const root = { name: data.output, value: 0, children: new Map() };
      for (const item of items) {
        const value = item[measure];
        if (!value || !matches(item)) continue;
        let node = root;
        node.value += value;
        for (const name of ways[way](item)) {
          if (!node.children.has(name)) node.children.set(name, { name, value: 0, children: new Map(), item: null });
          node = node.children.get(name);
          node.value += value;
        }
        node.item = item;
      }
      return root;
    }
    function matches(item) {
      if (!text) return true;
      return (item.name + "\n" + item.symbol + "\n" + place(item.unit) + "\n" + item.section).toLowerCase().includes(text);
    }
    /* Rectangles that are as square as can be: Bruls, Huizing, van Wijk, "Squarified Treemaps". */
    function squarify(nodes, x, y, width, height, draw) {
      let total = nodes.reduce((sum, node) => sum + node.value, 0), start = 0;
      while (start < nodes.length && total > 0 && width > 1 && height > 1) {
        const side = Math.min(width, height), scale = width * height / total;
        let end = start, sum = 0, worst = Infinity;
        while (end < nodes.length) {
          const next = sum + nodes[end].value, area = next * scale;
          const ratio = Math.max(side * side * nodes[start].value * scale / (area * area),
            area * area / (side * side * nodes[end].value * scale));
          if (ratio > worst) break;
          worst = ratio; sum = next; end += 1;
        }
        const thick = sum * scale / side;
        let along = 0;
        for (; start < end; start += 1) {
          const long = nodes[start].value * scale / thick;
          if (width >= height) draw(nodes[start], x, y + along, thick, long); else draw(nodes[start], x + along, y, long, thick);
          along += long;
        }
        if (width >= height) { x += thick; width -= thick; } else { y += thick; height -= thick; }
        total -= sum;
      }
    }
    function color(name, depth) {
      let hash = 0;
      for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
      return `hsl(${(hash ^ hash >>> 15) % 997 * 137 % 360} 50% ${74 + 5 * depth}%)`;
    }
    function drawMap() {
      let node = tree();
      const known = [];
      for (const name of path) { if (!node.children.has(name)) break; node = node.children.get(name); known.push(name); }
      path = known;
      crumbs.replaceChildren(...[data.output, ...path].flatMap((name, index) => [
        index ? " › " : "", make("button", { className: "link", onclick: () => { path = path.slice(0, index); drawMap(); } }, name),
      ]), ` — ${bytes(node.value)} bytes`);
      map.replaceChildren();
      drawChildren(node, path, 0, 0, map.clientWidth || 1150, map.clientHeight || 460, 0);
    }
    /* The children of a node, and theirs inside of them where there is room. */
    function drawChildren(node, way, x, y, width, height, depth) {
      const nodes = [...node.children.values()].sort((a, b) => b.value - a.value);
      const shown = nodes.slice(0, 300), rest = nodes.slice(300).reduce((sum, other) => sum + other.value, 0);
      if (rest) shown.push({ name: `${nodes.length - 300} others`, value: rest, children: new Map(), item: null });
      squarify(shown, x, y, width, height, (child, x, y, width, height) => {
        if (width < 3 || height < 3) return;
        const title = `${child.name.split("/").pop()} ${bytes(child.value)}`;
        const box = make("button", { title: `${child.name}: ${bytes(child.value)} bytes`, onclick: () => {
          if (child.children.size) { path = [...way, child.name]; drawMap(); } else if (child.item) showWhy(child.item);
        } }, width > 44 && height > 17 ? title : "");
        Object.assign(box.style, { left: x + "px", top: y + "px", width: Math.max(1, width - 1) + "px",
          height: Math.max(1, height - 1) + "px", background: color(way[0] || child.name, depth) });
        map.append(box);
        if (child.children.size && depth < 2 && width > 60 && height > 46) {
          drawChildren(child, [...way, child.name], x + 3, y + 19, width - 7, height - 23, depth + 1);
        }
      });
    }
    function showWhy(item) {
      const chain = [item];
      while (typeof chain[0].because === "number" && chain.length <= items.length) chain.unshift(items[chain[0].because]);
      const first = chain[0];
      why.replaceChildren(make("b", {}, item.name), ` — ${item.kind} of ${place(item.unit)}, ${bytes(item.size)} bytes`,
        item.symbol ? make("div", { className: "soft" }, item.symbol) : null || "",
        make("div", {}, typeof first.because === "string" ? `It is there because of a root: ${first.because}.` : "It belongs to the module itself."),
        make("ol", { className: "chain" }, ...chain.map((step, index) => make("li", {},
          (index ? "refers to " : ""), make("button", { className: "link", onclick: () => showWhy(step) }, step.name),
          ` in ${place(step.unit)}`))));
      why.scrollIntoView({ block: "nearest" });
    }
    function drawList() {
      const rows = items.filter(item => (item.size || item.memory) && matches(item));
      const sum = rows.reduce((total, item) => total + item.size, 0);
      list.replaceChildren(make("p", { className: "soft" }, `${bytes(rows.length)} parts, ${bytes(sum)} bytes`), table([
        { title: "name", value: item => item.name, cell: item => make("button", { className: "link", onclick: () => showWhy(item) }, item.name) },
        { title: "kind", value: item => item.kind, width: "90px" },
        { title: "file", value: item => place(item.unit), cell: item => make("span", { title: place(item.unit) }, short(item.unit)), width: "30%" },
        { title: "bytes", value: item => item.size, number: true, first: true },
        { title: "memory", value: item => item.memory, number: true },
      ], rows, 200));
    }
    function drawTabs() {
      tabs.replaceChildren(...Object.keys(ways).map(name => make("button", { className: name === way ? "on" : "",
        onclick: () => { way = name; path = []; draw(); } }, name)),
      ...[["size", "bytes of the file"], ["memory", "bytes of memory"]].map(([name, title]) => make("button", {
        className: name === measure ? "on" : "", onclick: () => { measure = name; path = []; draw(); } }, title)), search);
    }
    const search = make("input", { type: "search", placeholder: "search functions, data, files", oninput: () => {
      text = search.value.toLowerCase(); drawMap(); drawList(); drawDropped(); } });
    const dropped = make("div", { id: "dropped" });
    function drawDropped() {
      const rows = data.dropped.map(entry => ({ ...entry, place: place(entry.unit === undefined ? null : data.units[entry.unit]) }))
        .filter(entry => !text || (entry.name + "\n" + entry.place).toLowerCase().includes(text));
      const sum = rows.reduce((total, entry) => total + entry.size, 0);
      dropped.replaceChildren(make("p", { className: "soft" }, `${bytes(rows.length)} parts, ${bytes(sum)} bytes`), table([
        { title: "name", value: entry => entry.name }, { title: "kind", value: entry => entry.kind, width: "90px" },
        { title: "file", value: entry => entry.place, width: "30%" }, { title: "reason", value: entry => entry.reason, width: "90px" },
        { title: "bytes", value: entry => entry.size, number: true, first: true },
      ], rows, 100));
    }
    function draw() { drawTabs(); drawMap(); drawList(); drawDropped(); }
    main.append(make("h1", {}, data.output), make("div", { className: "soft" },
      data.succeeded ? `${bytes(data.size)} bytes, linked by ${data.linker}` : data.linker));
    if (data.succeeded) {
      main.append(tabs, crumbs, map, why, make("h2", {}, "Functions, data and other parts"), list, make("h2", {}, "What was dropped"), dropped);
      draw();
      addEventListener("resize", drawMap);
    } else {
      main.append(make("div", { className: "failed" }, make("b", {}, "The link failed: there is no module."),
        make("pre", {}, data.errors.join("\n"))), make("h2", {}, "Files that were read"),
        make("ul", {}, ...data.units.map(unit => make("li", {}, place(unit)))));
    }

    """#

  /// The page that compares two reports.
  static let differenceScript = #"""
    let text = "";
    const lists = make("div");
    function growth(line) { return line[2] - line[1]; }
    function signed(n) { return (n > 0 ? "+" : "") + bytes(n); }
    function draw() {
      lists.replaceChildren(...[["Sections", data.sections], ["Files", data.units], ["Functions, data and other parts", data.items]]
        .flatMap(([title, lines]) => {
          const rows = lines.filter(line => line[0].toLowerCase().includes(text));
          return [make("h2", {}, `${title}: ${rows.length ? bytes(rows.length) + " changed" : "no change"}`), rows.length ? table([
            { title: "name", value: line => line[0] }, { title: "before", value: line => line[1], number: true },
            { title: "now", value: line => line[2], number: true },
            { title: "change", value: line => Math.abs(growth(line)), number: true, first: true, width: "180px",
              cell: line => signed(growth(line)) + (line[1] ? line[2] ? "" : " (gone)" : " (new)"),
              look: line => growth(line) > 0 ? "up" : "down" },
          ], rows, 300) : make("p")];
        }));
    }
    const search = make("input", { type: "search", placeholder: "search", oninput: () => { text = search.value.toLowerCase(); draw(); } });
    const total = data.new - data.old;
    main.append(make("h1", {}, data.output), make("div", { className: "soft" }, data.linker),
      make("p", {}, `${bytes(data.old)} bytes before, ${bytes(data.new)} now: `,
        make("b", { className: total > 0 ? "up" : "down" }, signed(total))), make("nav", {}, search), lists);
    draw();

    """#
}
