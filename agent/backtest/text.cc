// A backtest's outcome for a person.
#include <algorithm>
#include <cmath>
#include <map>

#include "agent/api/incident_view.h"
#include "agent/backtest/summary.h"

namespace medic::backtest {
namespace {

constexpr std::size_t listed_max = 100;  // Incidents and alerts that are spelled out; -o json has all.

std::string place(const Subject& subject) {
    return (subject.cluster.empty() ? "" : subject.cluster + " ") + subject.kind + "/" + subject.name;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    std::string text;
    for (const std::string& one : parts) (text += text.empty() ? "" : between) += one;
    return text;
}

std::string proposal_text(const Proposal& proposal) {
    if (proposal.remedy.empty()) return "  no remedy is known: a person must act\n";
    std::string text = fmt::format("  would have been proposed: {}{}{}\n", proposal.remedy,
                                   proposal.plan.empty() ? "" : " — ", proposal.plan);
    for (const std::string& step : proposal.steps) text += "    · " + step + "\n";
    if (!proposal.live_facts.empty()) {
        text += "  live facts needed:\n";
        for (const std::string& one : proposal.live_facts) text += "    " + one + "\n";
    }
    for (const auto& [guard, why] : proposal.refused) text += fmt::format("  refused by {}: {}\n", guard, why);
    text += fmt::format("  the policy says {}: {}\n", proposal.mode, proposal.mode_why);
    return text;
}

std::string case_text(const Case& one, const Outcome& outcome, const std::vector<std::string>* met) {
    std::string text =
        fmt::format("{}  {}  {}\n  {}\n  {}, {}; {}{}\n", rfc3339(one.since),
                    one.cause.empty() ? "no cause told" : one.cause, place(one.subject), one.summary,
                    one.until ? "lasted " + spoken(one.lasted(outcome.to))
                              : "went on at the end, after " + spoken(one.lasted(outcome.to)),
                    one.cause.empty() ? "side not known"
                                      : fmt::format("{} side, {} % sure", one.side, std::lround(one.confidence * 100)),
                    one.owner.empty() ? "nobody is named as its owner" : one.owner + " acts",
                    one.incidents.size() > 1 ? fmt::format("; told {} times", one.incidents.size()) : "");
    for (const std::string& evidence : one.evidence) text += "    " + evidence + "\n";
    if (!one.missing.empty()) text += "  not seen: " + joined(one.missing, "; ") + "\n";
    text += proposal_text(one.proposal);
    if (met != nullptr)
        text += met->empty() ? "  no alert at this time\n" : "  alerts at this time: " + joined(*met, ", ") + "\n";
    return text + "\n";
}

std::string summary_text(const Outcome& outcome) {
    std::string text;
    for (const CauseSummary& line : summary_of(outcome))
        text +=
            fmt::format("  {:>4} × {}, median {}{}\n", line.count, line.cause.empty() ? "no cause told" : line.cause,
                        spoken(line.median), line.open > 0 ? fmt::format(", {} went on at the end", line.open) : "");
    return text.empty() ? "" : "By cause:\n" + text + "\n";
}

std::string alerts_text(const Outcome& outcome) {
    if (!outcome.comparison) return "";
    const Comparison& with = *outcome.comparison;
    std::string text = fmt::format(
        "What people saw: {} alerts in this time{}; {} matched by an incident, {} missed.\n"
        "{} of {} incidents had no alert: at most {:.1f} false alarms a week, if people saw everything.\n",
        with.alerts, with.outside > 0 ? fmt::format(" ({} at other times)", with.outside) : "", with.matched,
        with.missed.size(), with.extra.size(), outcome.cases.size(), with.extra_per_week);
    for (std::size_t i = 0; i < std::min(with.missed.size(), listed_max); ++i)
        text += fmt::format("  missed: {} {}\n", rfc3339(with.missed[i].start), with.missed[i].name());
    return text + "\n";
}

std::string unheard_text(const Outcome& outcome) {
    std::string text;
    std::size_t rules = 0;
    for (const Unheard& one : outcome.unheard) {
        const bool rule = one.kind == Unheard::Kind::rule;
        rules += rule ? 1 : 0;
        text += fmt::format("  {} {}: {}\n", rule ? "rule" : "analyzer", one.name, joined(one.missing, ", "));
    }
    if (text.empty()) return "Every rule and analyzer had data.\n";
    return fmt::format(
               "No data for {} of {} rules and {} of {} analyzers: what they tell was not looked for, and may have "
               "been.\n",
               rules, outcome.rules, outcome.unheard.size() - rules, outcome.analyzers) +
           text;
}

std::string sight_text(const Outcome& outcome) {
    std::string text;
    if (outcome.moments_seen == 0) text += "Nothing was recorded in this time: nothing can be told.\n";
    for (const Gap& gap : outcome.gaps)
        text += fmt::format("Nobody looked from {} to {}.\n", rfc3339(gap.from), rfc3339(gap.to));
    for (const std::string& warning : outcome.warnings) text += "Incomplete: " + warning + "\n";
    if (outcome.series_refused > 0)
        text += "Incomplete: more series than limits.series_per_cluster; what is over it was not watched.\n";
    if (outcome.incidents_dropped > 0)
        text += fmt::format("{} more incidents are not listed.\n", outcome.incidents_dropped);
    return text.empty() ? "" : text + "\n";
}

}  // namespace

std::string spoken(Duration duration) {
    const std::int64_t s = duration.count() / 1'000;
    if (s < 120) return fmt::format("{} s", s);
    if (s < 2 * 3'600) return fmt::format("{} min", s / 60);
    if (s < 2 * 86'400) return fmt::format("{} h {} min", s / 3'600, s % 3'600 / 60);
    return fmt::format("{} d {} h", s / 86'400, s % 86'400 / 3'600);
}

std::vector<CauseSummary> summary_of(const Outcome& outcome) {
    std::map<std::string, std::vector<Duration>> lasted;
    std::map<std::string, std::size_t> open;
    for (const Case& one : outcome.cases) {
        lasted[one.cause].push_back(one.lasted(outcome.to));
        open[one.cause] += one.until ? 0 : 1;
    }
    std::vector<CauseSummary> lines;
    for (auto& [cause, times] : lasted) {
        std::ranges::sort(times);
        const Duration median = (times[(times.size() - 1) / 2] + times[times.size() / 2]) / 2;
        lines.push_back({cause, times.size(), open[cause], median});
    }
    std::ranges::stable_sort(lines, std::ranges::greater{}, &CauseSummary::count);
    return lines;
}

std::string text_of(const Outcome& outcome) {
    std::string text = fmt::format(
        "{} to {}, a look every {}\n"
        "Processes are judged by whether they could be scraped: \"gone\" may be \"silent\".\n\n",
        rfc3339(outcome.from), rfc3339(outcome.to), spoken(outcome.step));
    for (std::size_t i = 0; i < std::min(outcome.cases.size(), listed_max); ++i)
        text += case_text(outcome.cases[i], outcome, outcome.comparison ? &outcome.comparison->met[i] : nullptr);
    if (outcome.cases.size() > listed_max)
        text += fmt::format("… and {} more: see -o json\n\n", outcome.cases.size() - listed_max);
    switch (outcome.verdict()) {
        case Outcome::Verdict::problem: break;
        case Outcome::Verdict::quiet: text += "No incident, by the rules and analyzers that had data.\n\n"; break;
        case Outcome::Verdict::cannot_tell:
            text += "No incident was found, and not all was seen: this does not say that there was none.\n\n";
    }
    return text + summary_text(outcome) + alerts_text(outcome) + sight_text(outcome) + unheard_text(outcome);
}

}  // namespace medic::backtest
