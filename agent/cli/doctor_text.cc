#include "agent/cli/doctor_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

#include "agent/base/plain_text.h"
#include "agent/cli/table.h"

namespace medic::cli {

using discovery::Call;
using doctor::Check;
using doctor::DarkSpot;
using doctor::Grade;
using doctor::Hidden;
using Json = nlohmann::json;

namespace {

const char* word(Grade grade) {
    switch (grade) {
        case Grade::good: return "good";
        case Grade::advice: return "advice";
        case Grade::bad: return "bad";
    }
    return "";
}

const char* word(Call::Outcome outcome) {
    switch (outcome) {
        case Call::Outcome::answered: return "answered";
        case Call::Outcome::refused: return "refused";
        case Call::Outcome::unsupported: return "unsupported";
        case Call::Outcome::failed: return "failed";
    }
    return "";
}

Tone tone(Grade grade) { return grade == Grade::good ? Tone::plain : grade == Grade::advice ? Tone::warn : Tone::bad; }

// A call that the other side has not is no fault: the collectors do without.
bool is_bad(const Call& call) {
    return call.outcome == Call::Outcome::refused || call.outcome == Call::Outcome::failed;
}

std::string count(std::size_t number, const std::string& what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string headless(const Table& table) {
    const std::string text = table.text();
    return text.substr(text.find('\n') + 1);
}

std::string checks_text(const std::string& name, const std::vector<Check>& checks) {
    if (checks.empty()) return "";
    Table table({"", "", ""});
    for (const Check& one : checks) table.row({word(one.grade), one.what, one.text}, tone(one.grade));
    return "\n" + paint(name, Tone::strong) + "\n" + headless(table);
}

struct Access {
    std::string part, target;
    std::size_t calls = 0, bad = 0;
    Duration slowest{0};
    bool answered = false;
    std::vector<std::string> names;
};

std::string access_text(const std::vector<Call>& calls, bool wide) {
    std::vector<Access> all;
    Table problems({"", "", "", ""});
    for (const Call& call : calls) {
        auto known = std::ranges::find_if(
            all, [&](const Access& one) { return one.part == call.part && one.target == call.target; });
        if (known == all.end())
            known = all.insert(all.end(), Access{.part = call.part, .target = call.target, .names = {}});
        ++known->calls;
        known->bad += is_bad(call);
        known->slowest = std::max(known->slowest, call.took);
        known->answered = known->answered || call.outcome != Call::Outcome::failed;
        known->names.push_back(call.name);
        if (call.outcome == Call::Outcome::answered || (!wide && call.outcome == Call::Outcome::unsupported)) continue;
        const std::string right = call.outcome == Call::Outcome::refused ? doctor::right_of(call.name) : "";
        problems.row({word(call.outcome), call.name, "at " + call.target,
                      call.detail + (right.empty() ? "" : "; it needs " + right)},
                     is_bad(call) ? Tone::bad : Tone::plain);
    }
    Table table({"PART", "TARGET", "", "SLOWEST>", "CALLS"});
    for (const Access& one : all)
        table.row(
            {one.part, one.target,
             one.bad == 0    ? "answers"
             : !one.answered ? "does not answer"
                             : fmt::format("{} of {} calls not answered", one.bad, one.calls),
             fmt::format("{} ms", one.slowest.count()), wide ? listed(one.names, SIZE_MAX) : count(one.calls, "call")},
            one.bad == 0 ? Tone::plain : Tone::bad);
    std::string out = "\n" + paint("ACCESS", Tone::strong) + "\n" + table.text();
    return out + (problems.empty() ? "" : headless(problems));
}

class SightPainter {
public:
    SightPainter(const doctor::Sight& sight, bool wide) : sight_(sight), wide_(wide) {}

    std::string paint_all() {
        out_ = "\n" + paint("NOT VISIBLE FROM HERE", Tone::strong) +
               fmt::format("  {} of {} series are told; {} of {} causes can be seen\n", sight_.series_told,
                           sight_.series, sight_.causes_seen, sight_.causes);
        std::size_t unneeded = 0;
        for (const DarkSpot& one : sight_.dark) {
            if (one.hides.empty() && !wide_)
                unneeded += one.series.size();
            else
                spot(one);
        }
        if (unneeded > 0) out_ += fmt::format("\n  {} more series that no rule needs yet (-o wide)\n", unneeded);
        if (sight_.dark.empty()) out_ += "  nothing is hidden\n";
        return std::move(out_);
    }

private:
    void spot(const DarkSpot& one) {
        out_ += "\n  " + paint(one.reason, Tone::warn) + "\n";
        constexpr std::size_t short_list = 4;
        Table table({"", "", ""});
        std::size_t left = 0;
        for (const Hidden& hidden : one.hides) {
            if (!wide_ && table.size() >= short_list)
                ++left;
            else
                table.row({hidden.weaker ? "blurs" : "hides", hidden.id, hidden.words});
        }
        if (!table.empty()) {
            const std::string text = table.text(4);
            out_ += text.substr(text.find('\n') + 1);
        }
        if (left > 0) out_ += fmt::format("    and {} more (-o wide)\n", left);
        if (!one.series.empty()) out_ += "    lacks  " + listed(one.series, wide_ ? SIZE_MAX : 3) + "\n";
        for (std::size_t i = 0; i < one.mend.size(); ++i)
            out_ += std::string(i == 0 ? "    mend   " : "             ") + plain_text(one.mend[i]) + "\n";
    }

    const doctor::Sight& sight_;
    const bool wide_;
    std::string out_;
};

Json checks_json(const std::vector<Check>& checks) {
    Json all = Json::array();
    for (const Check& one : checks) all.push_back({{"grade", word(one.grade)}, {"what", one.what}, {"text", one.text}});
    return all;
}

Json cluster_json(const ClusterExam& exam) {
    Json calls = Json::array(), dark = Json::array();
    for (const Call& one : exam.calls)
        calls.push_back({{"part", one.part},
                         {"target", one.target},
                         {"call", one.name},
                         {"outcome", word(one.outcome)},
                         {"detail", one.detail},
                         {"slowest_ms", one.took.count()},
                         {"count", one.count},
                         {"bytes", one.bytes}});
    for (const DarkSpot& one : exam.sight.dark) {
        Json hides = Json::array();
        for (const Hidden& hidden : one.hides)
            hides.push_back({{"id", hidden.id}, {"words", hidden.words}, {"weaker", hidden.weaker}});
        dark.push_back({{"reason", one.reason}, {"mend", one.mend}, {"series", one.series}, {"hides", hides}});
    }
    return {{"cluster", exam.cluster},
            {"calls", calls},
            {"versions", checks_json(exam.versions)},
            {"pages_and_clocks", checks_json(exam.pages)},
            {"acls", exam.acls},
            {"series", exam.sight.series},
            {"series_told", exam.sight.series_told},
            {"causes", exam.sight.causes},
            {"causes_seen", exam.sight.causes_seen},
            {"not_visible", dark}};
}

bool any_bad(const std::vector<Check>& checks) {
    return std::ranges::any_of(checks, [](const Check& one) { return one.grade == Grade::bad; });
}

}  // namespace

bool Exam::is_good() const {
    return !any_bad(machine) && std::ranges::none_of(clusters, [](const ClusterExam& one) {
        return any_bad(one.versions) || any_bad(one.pages) || std::ranges::any_of(one.calls, is_bad);
    });
}

bool Exam::saw_nothing() const {
    return std::ranges::all_of(clusters, [](const ClusterExam& one) {
        return std::ranges::none_of(one.calls,
                                    [](const Call& call) { return call.outcome == Call::Outcome::answered; });
    });
}

std::string text_of(const Exam& exam, bool wide) {
    std::string out = checks_text("THIS MACHINE", exam.machine);
    for (const ClusterExam& one : exam.clusters) {
        if (exam.clusters.size() > 1) out += "\n" + paint("CLUSTER " + one.cluster, Tone::strong) + "\n";
        out += access_text(one.calls, wide);
        out += checks_text("VERSIONS", one.versions);
        out += checks_text("PAGES AND CLOCKS", one.pages);
        const bool refused = std::ranges::any_of(
            one.calls, [](const Call& call) { return call.part == "kafka" && call.outcome == Call::Outcome::refused; });
        if (!one.acls.empty() && (wide || refused)) {
            out += "\n" + paint("READ-ONLY RIGHTS, to copy", Tone::strong) + "\n";
            for (const std::string& line : one.acls) out += "  " + line + "\n";
        }
        out += SightPainter(one.sight, wide).paint_all();
    }
    return out.substr(out.starts_with('\n') ? 1 : 0);
}

std::string json_of(const Exam& exam) {
    Json clusters = Json::array();
    for (const ClusterExam& one : exam.clusters) clusters.push_back(cluster_json(one));
    const Json document = {
        {"schema", 1}, {"good", exam.is_good()}, {"machine", checks_json(exam.machine)}, {"clusters", clusters}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace medic::cli
