#include "agent/notify/message.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "agent/api/incident_view.h"
#include "agent/base/plain_text.h"
#include "agent/base/redact.h"
#include "agent/base/yaml.h"

namespace medic {
namespace {

constexpr std::size_t evidence_max = 8;         // More is behind the link.
constexpr std::size_t line_bytes_max = 400;     // Of one free text in a message.
constexpr std::size_t failure_bytes_max = 800;  // Of the first failure: the head of its trace.
constexpr std::size_t steps_max = 6;
constexpr Duration link_lives{30LL * 24 * 3'600'000};

// Controls are taken out first: one inside of a word would hide it from redact().
std::string clean(const std::string& text, std::size_t bytes_max = line_bytes_max) {
    return shortened(redact(plain_text(text)), bytes_max);
}

std::string clean_line(const std::string& text) { return shortened(redact(plain_line(text)), line_bytes_max); }

// Whoever reads a message takes what stands at its edge for ours: of a text of several lines only the first one does.
std::string indented(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.starts_with('\n') ? 1
                                : text.starts_with("\u2028") || text.starts_with("\u2029")
                                    ? std::string_view("\u2028").size()
                                    : 0;
        if (end > 0)
            out += "\n    ";
        else
            out += text.front();
        text.remove_prefix(std::max<std::size_t>(end, 1));
    }
    return out;
}

// Steps of one plan are one thing for people; what a person must answer is another each time.
std::string phase_of(const Incident& incident) {
    switch (incident.state) {
        case IncidentState::diagnosing: return "diagnosing";
        case IncidentState::waiting_approval: return "asks " + incident.action_id();
        case IncidentState::observing: return "would";
        case IncidentState::healed: return "healed";
        case IncidentState::escalated: return "escalated " + incident.outcome;
        case IncidentState::resolved: return "resolved " + incident.outcome;
        case IncidentState::planning:
        case IncidentState::waiting_guard: break;
        default: return fmt::format("acts {} {}", incident.plans, incident.undoing);
    }
    return incident.acted ? fmt::format("acts {} {}", incident.plans, incident.undoing) : "found";
}

std::string action_of(const Incident& incident) {
    if (!incident.plan) return "";
    std::string steps;
    for (std::size_t i = 0; i < incident.plan->steps.size() && i < steps_max; ++i)
        steps += (steps.empty() ? "" : "; ") + clean_line(incident.plan->steps[i].text);
    if (incident.plan->steps.size() > steps_max) steps += "; …";
    const std::string what = clean_line(incident.plan->summary) + (steps.empty() ? "" : " (" + steps + ")");
    if (incident.state == IncidentState::observing) return "would do, if the policy let it: " + what;
    if (incident.state == IncidentState::waiting_approval) return "asks to do: " + what;
    if (!incident.acted) return "plans: " + what;
    const std::string who = incident.approved_by.empty() ? "" : ", approved by " + clean_line(incident.approved_by);
    return (incident.undoing ? "is taking back: "
            : incident.ended() || incident.state == IncidentState::healed || incident.state == IncidentState::escalated
                ? "did: "
                : "is doing: ") +
           what + who;
}

std::string headline(const Incident& incident) {
    switch (incident.state) {
        case IncidentState::waiting_approval: return "approval needed";
        case IncidentState::escalated: return "a person must act";
        case IncidentState::healed: return "healed";
        case IncidentState::resolved:
            return incident.outcome == "healed"      ? "resolved: healed"
                   : incident.outcome == "went_away" ? "resolved: no longer seen"
                                                     : "resolved: " + clean_line(incident.outcome);
        case IncidentState::observing: return "found, only observed";
        case IncidentState::diagnosing: return "something is wrong";
        default: return incident.acted ? "being healed" : "found";
    }
}

void add_links(IncidentMessage& message, const MessageContext& context) {
    const std::string medic = "medic incidents --config " + shell_word(context.config_path) + " verdict " +
                              shell_word(message.incident) + " ";
    message.right_command = medic + "right";
    message.wrong_command = medic + "wrong --reason 'what it was'";
    if (context.api_url.empty()) return;
    message.link = context.api_url + "/api/v1/incidents/" + message.incident;
    if (context.links == nullptr || !context.links->usable()) return;
    const WallTime until = context.now + link_lives;
    message.right_url = context.api_url + context.links->path({message.incident, true, context.receiver, until});
    message.wrong_url = context.api_url + context.links->path({message.incident, false, context.receiver, until});
}

std::string sureness(const Incident& incident) {
    const Diagnosis& diagnosis = incident.diagnosis;
    if (diagnosis.abstains()) return "no cause stands out";
    std::string sure = fmt::format("{:.0f} %", diagnosis.confidence * 100);
    if (!diagnosis.alternatives.empty()) {
        const Alternative& next = diagnosis.alternatives.front();
        sure += fmt::format("; next: {} ({}, {:.0f} %)", next.cause, to_string(next.side), next.confidence * 100);
    }
    return sure;
}

std::string since_text(const Incident& incident, WallTime now) {
    const WallTime end = incident.resolved_at.unix_ms != 0 ? incident.resolved_at : now;
    const Duration lasted{std::max<std::int64_t>(0, (end - incident.opened_at).count()) / 1000 * 1000};
    return rfc3339(incident.opened_at) + (incident.ended() ? ", lasted " : ", for ") + format_duration(lasted);
}

std::string whole_text(const Incident& incident, const IncidentMessage& message, WallTime now) {
    std::string text = message.title + "\n\n";
    const auto line = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) text += fmt::format("{}: {}\n", name, indented(value));
    };
    line("What", message.what);
    line("Whose side", message.side);
    line("Owner", message.owner);
    line("Since", since_text(incident, now));
    line("How sure", sureness(incident));
    line("Cause", message.cause + (message.subject.empty() ? "" : " of " + message.subject));
    line("First failure", message.first_failure);
    for (const MessageEvidence& one : message.evidence) line("Evidence", one.text + " [" + one.kind + "]");
    for (const std::string& one : message.missing) line("Not visible", one);
    line("The agent", message.action);
    line("Waits for", message.waiting_for);
    line("To agree", message.approve_command);
    if (incident.ended() || incident.state == IncidentState::escalated) line("Outcome", message.outcome);
    text += "\n";
    line("Details", message.link);
    line("Right?", message.right_command);
    line("Wrong?", message.wrong_command);
    line("Right (link)", message.right_url);
    line("Wrong (link)", message.wrong_url);
    return text;
}

}  // namespace

std::string shell_word(const std::string& word) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

Standing standing_of(const Incident& incident) {
    const Diagnosis& diagnosis = incident.diagnosis;
    std::string all = phase_of(incident);
    for (const std::string& part :
         {std::to_string(incident.opened_at.unix_ms), diagnosis.cause, std::string(to_string(diagnosis.side)),
          diagnosis.owner, to_string(diagnosis.subject), incident.plan ? incident.plan->summary : std::string(),
          incident.approved_by})
        all += '\n' + part;
    // What went away by itself before anybody could name it is noise, not news.
    const bool nothing_known = incident.detected_at.unix_ms == 0 && !incident.acted &&
                               (incident.state == IncidentState::diagnosing || incident.outcome == "went_away");
    return {fmt::format("{:016x}", XXH3_64bits(all.data(), all.size())), !nothing_known};
}

IncidentMessage message_of(const Incident& incident, const MessageContext& context) {
    const Diagnosis& diagnosis = incident.diagnosis;
    IncidentMessage message;
    message.incident = incident.id;
    message.cluster = incident.cluster;
    message.state = std::string(to_string(incident.state));
    message.side = std::string(to_string(diagnosis.side));
    message.owner = clean_line(diagnosis.owner);
    message.cause = diagnosis.abstains() ? "unknown" : diagnosis.cause;
    message.subject = clean_line(diagnosis.subject.kind + "/" + diagnosis.subject.name);
    message.outcome = clean_line(incident.outcome);
    message.waiting_for = clean_line(incident.waiting_for);
    message.first_failure = clean(incident.first_failure, failure_bytes_max);
    message.since = incident.opened_at;
    message.ended_at = incident.resolved_at;
    message.confidence = diagnosis.confidence;
    message.what = clean(diagnosis.summary);
    message.title = plain_line(fmt::format("[medic] {} {}: {} ({})", incident.id, incident.cluster,
                                           shortened(message.what, 160), headline(incident)));
    message.action = action_of(incident);
    for (const Evidence& one : diagnosis.evidence) {
        if (message.evidence.size() == evidence_max) break;
        message.evidence.push_back({one.kind, clean(one.text), one.at});
    }
    for (const std::string& one : diagnosis.missing) {
        if (message.missing.size() == evidence_max) break;
        message.missing.push_back(clean_line(one));
    }
    add_links(message, context);
    if (incident.state == IncidentState::waiting_approval)
        message.approve_command = "medic actions --config " + shell_word(context.config_path) + " approve " +
                                  incident.action_id() + " --reason 'why'";
    message.text = whole_text(incident, message, context.now);
    return message;
}

}  // namespace medic
