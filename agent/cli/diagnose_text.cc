#include "agent/cli/diagnose_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "agent/api/diagnosis_json_internal.h"
#include "agent/api/incident_view.h"
#include "agent/base/plain_text.h"
#include "agent/cli/terminal.h"
#include "agent/daemon/diagnosis_document.h"

namespace medic::cli {
namespace {

// Words that YAML 1.1 or 1.2 takes for something else than a text, in lower case.
constexpr std::array yaml_words{"null", "true", "false", "yes", "no", "on", "off", "y", "n"};

bool plain_scalar(const std::string& text) {
    if (text.empty() || text.size() > 200) return false;
    const auto safe = [](char c) {
        return (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '_' || c == '-' || c == '.' || c == '/';
    };
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return std::isalpha(static_cast<unsigned char>(text[0])) != 0 && std::ranges::all_of(text, safe) &&
           std::ranges::find(yaml_words, lower) == yaml_words.end();
}

// What JSON leaves as it is and YAML forbids or takes for a line's end: DEL, C1, U+2028, U+2029, U+FEFF, U+FFFE,
// U+FFFF. Given the text from there on; 0: none of them.
struct Escape {
    unsigned code = 0;
    std::size_t bytes = 0;
};
Escape escape_at(std::string_view text) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    constexpr unsigned del = 0x7f, c1_lead = 0xc2, c1_end = 0xa0;
    if (byte(0) == del) return {del, 1};
    if (byte(0) == c1_lead && byte(1) < c1_end) return {byte(1), 2};
    for (const auto& [bytes, code] :
         {std::pair{"\xe2\x80\xa8", 0x2028U}, std::pair{"\xe2\x80\xa9", 0x2029U}, std::pair{"\xef\xbb\xbf", 0xfeffU},
          std::pair{"\xef\xbf\xbe", 0xfffeU}, std::pair{"\xef\xbf\xbf", 0xffffU}})
        if (text.starts_with(bytes)) return {code, 3};
    return {};
}

// As JSON quotes it, which YAML reads but for those.
std::string quoted(const Json& value) {
    const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Escape escape = escape_at(std::string_view(text).substr(at));
        out += escape.bytes > 0 ? fmt::format("\\u{:04x}", escape.code) : text.substr(at, 1);
        at += std::max<std::size_t>(escape.bytes, 1);
    }
    return out;
}

// YAML in its block form; strings that could be taken for something else are quoted as JSON does (which YAML reads).
void yaml(const Json& value, std::size_t indent, std::string& out) {
    const std::string pad(indent, ' ');
    if (value.is_object() && !value.empty()) {
        for (const auto& [key, item] : value.items()) {
            out += pad + (plain_scalar(key) ? key : quoted(Json(key))) + ":";
            if (item.is_structured() && !item.empty()) {
                out += "\n";
                yaml(item, indent + 2, out);
            } else {
                out += " ";
                yaml(item, 0, out);
            }
        }
    } else if (value.is_array() && !value.empty()) {
        for (const Json& item : value) {
            std::string inner;
            yaml(item, indent + 2, inner);
            if (item.is_structured() && !item.empty()) inner.erase(0, indent + 2);
            out += pad + "- " + inner;
        }
    } else if (value.is_string() && plain_scalar(value.get<std::string>())) {
        out += value.get<std::string>() + "\n";
    } else {
        out += quoted(value) + "\n";
    }
}

std::string render(const Json& value, bool as_yaml) {
    if (!as_yaml) return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    std::string out;
    yaml(value, 0, out);
    return out;
}

std::string percent(double confidence) { return fmt::format("{:.0f} %", confidence * 100); }

void lines(std::string& out, std::string_view head, const std::vector<std::string>& list) {
    if (list.empty()) return;
    out += paint(head, Tone::strong) + "\n";
    for (const std::string& line : list) out += "  " + plain_text(line) + "\n";
}

std::string first_lines(const std::string& text, std::size_t count) {
    std::size_t at = 0;
    for (; count > 0 && at != std::string::npos; --count) at = text.find('\n', at == 0 ? 0 : at + 1);
    return text.substr(0, at);
}

std::string headline(const Diagnosis& of, WallTime now) {
    const double age = of.since.unix_ms == 0 ? 0 : static_cast<double>((now - of.since).count()) / 1000;
    const std::string since =
        of.since.unix_ms == 0 ? "" : fmt::format(", since {} ({} ago)", rfc3339(of.since), ago_text(age));
    if (of.abstains())
        return paint(fmt::format("Something is wrong with {}, cause not clear{}: {}", to_string(of.subject), since,
                                 of.summary),
                     Tone::warn) +
               "\n";
    return paint(of.summary.empty() ? of.cause : of.summary, Tone::bad) +
           fmt::format(" [{} side, for {}{}, {} sure]\n", to_string(of.side),
                       of.owner.empty() ? "nobody named" : plain_text(of.owner), since, percent(of.confidence));
}

std::string state_of(const OpenIncident& incident) {
    return fmt::format("incident {} · {} since {}{}{}", incident.id, incident.state, rfc3339(incident.opened_at),
                       incident.waiting_for.empty() ? "" : " · waits for " + incident.waiting_for,
                       incident.doing.empty() ? "" : " · " + incident.doing);
}

const OpenIncident* incident_of(const DiagnoseResult& result, const Diagnosis& of) {
    const auto found = std::ranges::find_if(result.incidents, [&](const OpenIncident& one) { return one.is_of(of); });
    return found == result.incidents.end() ? nullptr : &*found;
}

// Whose eyes it comes from, as the last line: whoever reads on must know how much was seen.
std::string seen_by_line(const DiagnoseResult& result) {
    const SeenBy& by = result.seen_by;
    const double age = static_cast<double>((result.report.at - by.since).count()) / 1000;
    constexpr std::size_t hour_at = 11, hour_and_minute = 5;  // In 2026-11-28T12:45:18.000Z.
    const std::string since = by.since.unix_ms == 0 ? "?" : rfc3339(by.since).substr(hour_at, hour_and_minute);
    switch (by.kind) {
        case SeenBy::Kind::agent:
            return fmt::format("as seen by the agent at {} since {} UTC ({})", by.address, since, ago_text(age));
        case SeenBy::Kind::bundle:
            return fmt::format("from {}, which saw it until {}", by.address, rfc3339(result.report.at));
        case SeenBy::Kind::look: break;
    }
    return fmt::format("own look since {} UTC ({}){}", since, ago_text(age), by.note.empty() ? "" : ": " + by.note);
}

std::string block(const Diagnosis& of, const OpenIncident* incident, const std::string& by_itself, WallTime now,
                  bool wide) {
    std::string out = headline(of, now);
    if (!of.abstains()) out += plain_text(fmt::format("  cause {} · {}\n", of.cause, to_string(of.subject)));
    if (incident != nullptr) out += "  " + plain_text(state_of(*incident)) + "\n";
    std::vector<std::string> evidence, out_of, missing = of.missing;
    for (const Evidence& one : of.evidence)
        evidence.push_back(fmt::format("{}: {}", one.kind, wide ? one.text : first_lines(one.text, 3)));
    constexpr std::size_t short_list = 6;
    if (!wide && evidence.size() > short_list) evidence.resize(short_list);
    for (const Alternative& one : of.alternatives)
        out_of.push_back(fmt::format("{} ({}): {}", one.cause, percent(one.confidence), one.why_not));
    if (!wide && out_of.size() > 3) out_of.resize(3);
    if (incident != nullptr && !incident->first_failure.empty())
        lines(out, "First failure", {wide ? incident->first_failure : first_lines(incident->first_failure, 3)});
    lines(out, "Evidence", evidence);
    lines(out, "Ruled out", out_of);
    if (wide) lines(out, "Explains", of.effects);
    lines(out, "What to do",
          of.remedies.empty()
              ? std::vector<std::string>{"tell " + (of.owner.empty() ? std::string("the owner") : of.owner)}
              : of.remedies);
    if (!by_itself.empty()) lines(out, "By itself", {by_itself});
    lines(out, "Would have told", missing);
    return out;
}

}  // namespace

std::string summary_line(const DiagnoseResult& result) {
    using Verdict = DiagnoseResult::Verdict;
    const std::size_t open = result.report.diagnoses.size();
    if (result.verdict == Verdict::healthy && result.report.planned.empty())
        return fmt::format("Healthy: {} targets seen, nothing stands out.", result.targets);
    if (result.verdict == Verdict::healthy)
        return fmt::format("Planned work is under way, nothing else stands out: {} targets seen.", result.targets);
    if (result.verdict == Verdict::cannot_tell && open == 0)
        return fmt::format(
            "Could not tell: {} of {} targets were not visible, or not wholly{}.", result.blind.size(), result.targets,
            result.symptoms.empty() ? ""
                                    : fmt::format(", and {} symptom(s) hold without a cause", result.symptoms.size()));
    return "";
}

std::string text_of(const DiagnoseResult& result, bool wide) {
    std::string out;
    if (const std::string line = summary_line(result); !line.empty())
        out += paint(line, result.verdict == DiagnoseResult::Verdict::healthy ? Tone::good : Tone::warn) + "\n";
    std::vector<std::string> symptoms, dark, planned, others;
    for (std::size_t i = 0; i < result.report.diagnoses.size(); ++i) {
        const Diagnosis& one = result.report.diagnoses[i];
        if (i > 0) out += "\n";
        out += block(one, incident_of(result, one), i < result.by_itself.size() ? result.by_itself[i] : "",
                     result.report.at, wide);
    }
    const auto reported = [&](const OpenIncident& incident) {
        return std::ranges::any_of(result.report.diagnoses, [&](const Diagnosis& one) { return incident.is_of(one); });
    };
    for (const OpenIncident& one : result.incidents)
        if (!reported(one))
            others.push_back(fmt::format("{}: {} ({})", to_string(one.diagnosis.subject),
                                         one.diagnosis.summary.empty() ? "cause not clear" : one.diagnosis.summary,
                                         state_of(one)));
    lines(out, "Open incidents that the newest look does not show", others);
    for (const Finding& one : result.report.planned)
        planned.push_back(fmt::format("{}: {}, since {}", to_string(one.subject), one.summary, rfc3339(one.since)));
    lines(out, "Planned work under way", planned);
    for (const Symptom& one : result.symptoms)
        symptoms.push_back(fmt::format("{} {}: {}", one.id, to_string(one.subject), one.summary));
    if (wide || result.report.diagnoses.empty()) lines(out, "Symptoms", symptoms);
    for (const BlindSpot& one : result.blind) dark.push_back(one.target + ": " + one.why);
    dark.insert(dark.end(), result.unobserved.begin(), result.unobserved.end());
    lines(out, "Not visible from here", dark);
    out += paint(seen_by_line(result), Tone::faint) + "\n";
    if (const auto& anew = result.weighed_anew) {
        std::vector<std::string> said = anew->changes;
        if (said.empty()) said.emplace_back("nothing stands out, as the bundle says");
        if (!anew->note.empty()) said.push_back("(" + anew->note + ")");
        lines(out, fmt::format("Weighed anew by {}", anew->by.empty() ? "this program" : anew->by), said);
    }
    return out;
}

std::string json_of(const DiagnoseResult& result, bool as_yaml) {
    return render(Json::parse(diagnosis_document(result), nullptr, false), as_yaml);
}

std::string text_of(const TextVerdict& verdict) {
    const Classification& said = verdict.said;
    const std::string left_out = verdict.unread.empty() ? "" : "  (" + plain_text(verdict.unread) + ")\n";
    if (said.cause.empty())
        return paint("Could not tell: nothing in this text is known.", Tone::warn) + "\n" + left_out;
    std::string out =
        paint(said.cause, Tone::bad) +
        fmt::format(" [{} side {}, for {}; this cause {}]\n", to_string(said.side), percent(said.confidence),
                    verdict.owner.empty() ? "nobody named" : plain_text(verdict.owner),
                    percent(said.cause_confidence)) +
        left_out;
    std::vector<std::string> evidence, others;
    for (const Evidence& one : said.evidence) evidence.push_back(one.kind + ": " + first_lines(one.text, 3));
    for (const Alternative& one : said.alternatives)
        others.push_back(fmt::format("{} ({})", one.cause, percent(one.confidence)));
    lines(out, "Evidence", evidence);
    lines(out, "Or else", others);
    return out;
}

std::string json_of(const TextVerdict& verdict, bool as_yaml) {
    const Classification& said = verdict.said;
    return render({{"schema", 1},
                   {"cause", said.cause},
                   {"cause_group", said.cause_group},
                   {"side", to_string(said.side)},
                   {"owner", verdict.owner},
                   {"confidence", said.confidence},
                   {"cause_confidence", said.cause_confidence},
                   {"truncated", !verdict.unread.empty()},
                   {"not_read", verdict.unread},
                   {"alternatives", alternatives_json(said.alternatives)},
                   {"evidence", evidence_json(said.evidence)}},
                  as_yaml);
}

}  // namespace medic::cli
