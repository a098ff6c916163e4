#include "agent/store/silence.h"

#include <re2/re2.h>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace medic {
namespace {

using Op = LabelMatcher::Op;

bool equals(const LabelMatcher& matcher, const std::string& value) {
    if (matcher.op == Op::equal || matcher.op == Op::not_equal) return value == matcher.value;
    RE2::Options options;
    options.set_log_errors(false);
    const RE2 regex(matcher.value, options);
    // What can't be read is not taken for a miss: unknown means no.
    return !regex.ok() || RE2::FullMatch(value, regex);
}

bool wants_it(const LabelMatcher& matcher) { return matcher.op == Op::equal || matcher.op == Op::matches; }

// "cluster" and what says nothing about where narrow nothing down.
bool names_it_closely(const LabelMatcher& matcher) {
    return wants_it(matcher) && matcher.label != "cluster" && !equals(matcher, "");
}

}  // namespace

std::vector<LabelPair> labels_of(const Subject& subject, const std::map<Subject, std::vector<LabelPair>>& also_called) {
    std::vector<LabelPair> labels = {{"cluster", subject.cluster}};
    const auto parts = [&](const char* whole, const char* part, std::size_t cut) {
        labels.emplace_back(whole, subject.name.substr(0, cut));
        if (cut != std::string::npos) labels.emplace_back(part, subject.name.substr(cut + 1));
    };
    if (subject.kind == "connector-task")
        parts("connector", "task", subject.name.rfind('/'));
    else if (subject.kind == "vertex")
        parts("job", "vertex", subject.name.find('/'));
    else if (subject.kind == "log-dir")
        parts("broker", "log_dir", subject.name.find(':'));
    else if (subject.kind != "cluster")
        labels.emplace_back(subject.kind, subject.name);
    if (const auto more = also_called.find(subject); more != also_called.end())
        labels.insert(labels.end(), more->second.begin(), more->second.end());
    return labels;
}

bool concerns(const Silence& silence, const std::vector<LabelPair>& labels) {
    bool others = false, closely = false, any = false;
    for (const LabelMatcher& matcher : silence.matchers) {
        const auto named = [&](const LabelPair& pair) { return pair.first == matcher.label; };
        if (std::ranges::none_of(labels, named)) {
            others = true;
            continue;
        }
        const bool holds = std::ranges::any_of(
            labels, [&](const LabelPair& pair) { return named(pair) && equals(matcher, pair.second); });
        if (holds != wants_it(matcher)) return false;
        any = true;
        closely = closely || names_it_closely(matcher);
    }
    return any && (!others || closely);
}

std::string spoken(const Silence& silence) {
    std::string until;
    if (silence.until) {
        const std::time_t seconds = silence.until->unix_ms / 1000;
        std::tm parts = {};
        gmtime_r(&seconds, &parts);
        char text[32];
        (void)std::strftime(text, sizeof text, " until %Y-%m-%d %H:%M UTC", &parts);
        until = text;
    }
    const bool set = silence.kind == Silence::Kind::silence;
    return fmt::format("{} by {}{}{}{}", set ? "silenced" : "inhibited", silence.by.empty() ? "somebody" : silence.by,
                       until, silence.comment.empty() ? "" : ": ", silence.comment);
}

}  // namespace medic
