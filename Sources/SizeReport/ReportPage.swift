import JSON

/// The page that shows a report: one file that needs nothing else and opens without a network.
///
/// The page is always the same; what it shows stands in it as JSON, so that names of symbols and files cannot become a part of
/// the page.
package enum ReportPage {
  /// The page of `--size-report=FILE.html`.
  package static func page(of report: SizeReport) -> [UInt8] {
    page(title: "\(report.output): size", data: report.json, script: sizeScript)
  }

  /// The page of `solder diff OLD NEW --html=FILE`.
  package static func page(of difference: SizeDifference, _ old: SizeReport, _ new: SizeReport) -> [UInt8] {
    func lines(_ lines: [SizeDifference.Line]) -> JSONValue {
      .array(lines.map { .array([.string($0.name), .number($0.old), .number($0.new)]) })
    }
    var data: [UInt8] = []
    JSONValue.object([
      ("output", .string(new.output)), ("linker", .string("\(old.linker); \(new.linker)")),
      ("old", .number(difference.old)), ("new", .number(difference.new)), ("sections", lines(difference.sections)),
      ("units", lines(difference.units)), ("items", lines(difference.items)),
    ]).write(to: &data)
    return page(title: "\(new.output): what changed", data: data, script: differenceScript)
  }

  private static func page(title: String, data: [UInt8], script: String) -> [UInt8] {
    var bytes = Array("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n".utf8)
    bytes += Array("<meta name=\"viewport\" content=\"width=device-width\">\n<title>\(escaped(title))</title>\n".utf8)
    bytes += Array("<style>\n\(style)</style>\n</head>\n<body>\n<main id=\"main\"></main>\n".utf8)
    bytes += Array("<script type=\"application/json\" id=\"data\">".utf8) + data
    bytes += Array("</script>\n<script>\n\(commonScript)\(script)</script>\n</body>\n</html>\n".utf8)
    return bytes
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      default: result.append(character)
      }
    }
    return result
  }

  private static let style = #"""
    :root { color-scheme: light dark; --ink: #1d2530; --soft: #5d6875; --paper: #fbfbf9; --line: #d9dcd8; --accent: #0b66c3; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6e8ea; --soft: #9aa4af; --paper: #16191d; --line: #333a42; --accent: #6fb3ff; }
    }
    * { box-sizing: border-box; }
    body { margin: 0; font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
    main { max-width: 1200px; margin: 0 auto; padding: 20px 24px 60px; }
    h1 { font-size: 21px; margin: 0 0 2px; overflow-wrap: anywhere; }
    h2 { font-size: 16px; margin: 26px 0 8px; }
    .soft { color: var(--soft); }
    .failed { border: 2px solid #c62828; border-radius: 6px; padding: 10px 14px; margin: 14px 0; }
    .failed pre { white-space: pre-wrap; margin: 6px 0 0; }
    nav { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 16px 0 8px; }
    button, select, input { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line);
      border-radius: 6px; padding: 4px 10px; }
    button.on { border-color: var(--accent); color: var(--accent); }
    button.link { border: 0; padding: 0; color: var(--accent); cursor: pointer; text-align: left; overflow-wrap: anywhere; }
    input { flex: 1; min-width: 180px; }
    #map { position: relative; height: 460px; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
    #map button { position: absolute; overflow: hidden; border: 1px solid var(--paper); border-radius: 3px; padding: 2px 5px;
      font-size: 12px; line-height: 1.3; display: flex; align-items: flex-start; white-space: nowrap; color: #10202c;
      cursor: pointer; }
    #map button:hover { filter: brightness(1.1); }
    table { border-collapse: collapse; width: 100%; table-layout: fixed; }
    th, td { text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    th { cursor: pointer; color: var(--soft); font-weight: 600; }
    td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    td.t { overflow-wrap: anywhere; }
    .up { color: #c62828; } .down { color: #2e7d32; }
    ol.chain { margin: 6px 0 0; padding-left: 22px; }
    #why:not(:empty) { border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px; margin-top: 10px; }

    """#

  /// What both pages need: numbers, elements, tables that can be sorted.
  private static let commonScript = #"""
    "use strict";
    const data = JSON.parse(document.getElementById("data").textContent);
    const main = document.getElementById("main");
    const format = new Intl.NumberFormat("en");
    function bytes(n) { return format.format(n); }
    function make(name, options, ...children) {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(options || {})) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value); else element[key] = value;
      }
      element.append(...children.filter(child => child !== null));
      return element;
    }
    function table(columns, rows, most) {
      const place = make("div");
      let by = columns.findIndex(column => column.first), down = true;
      function show() {
        const value = columns[by].value;
        const sorted = [...rows].sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
        });
        const head = make("tr", {}, ...columns.map((column, index) => make("th", {
          className: column.number ? "n" : "", style: `width: ${column.width || (column.number ? "110px" : "auto")}`,
          onclick: () => { if (by === index) down = !down; else { by = index; down = !!column.number; } show(); },
        }, column.title + (by === index ? (down ? " ▾" : " ▴") : ""))));
        const lines = sorted.slice(0, most).map(row => make("tr", {}, ...columns.map(column => {
          const cell = column.cell ? column.cell(row) : column.number ? bytes(column.value(row)) : String(column.value(row));
          return make("td", { className: (column.number ? "n " : "t ") + (column.look ? column.look(row) : "") }, cell);
        })));
        const rest = sorted.length > most
          ? make("p", { className: "soft" }, `${bytes(sorted.length - most)} more; search to see them`) : null;
        place.replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines)), ...(rest ? [rest] : []));
      }
      show();
      return place;
    }

    """#
}
