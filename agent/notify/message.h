// What people are told of an incident: what is wrong, whose side, owner, since when, how sure, the evidence, what was
// done or would be done, and how to say whether that was right. Texts only: who is told, when and how often is the
// desk's (desk.h), how it is packed for a receiver is payload.h's. Every free text passes redact() once more.
#pragma once

#include <string>
#include <vector>

#include "agent/api/verdict_links.h"
#include "agent/loop/incident.h"

namespace medic {

struct MessageContext {
    std::string api_url;      // Where people reach the agent's API; no slash at the end.
    std::string config_path;  // For commands that can be copied.
    const VerdictLinks* links = nullptr;
    std::string receiver;  // To whom a link is given.
    WallTime now;
};

// How an incident stands, for people. Two moments with the same fingerprint are no news.
struct Standing {
    std::string fingerprint;
    bool worth_telling = false;  // False while nothing is known yet but that something may be wrong.
};
[[nodiscard]] Standing standing_of(const Incident& incident);

struct MessageEvidence {
    std::string kind, text;
    WallTime at;
};

struct IncidentMessage {
    std::string incident, cluster, state, side, owner, cause, subject, outcome, waiting_for, first_failure;
    WallTime since, ended_at;
    double confidence = 0;
    std::string title;   // One line.
    std::string what;    // One sentence.
    std::string action;  // What was done, is being done, or would be done; "" when nothing.
    std::vector<MessageEvidence> evidence;
    std::vector<std::string> missing;
    std::string link, right_url, wrong_url, right_command, wrong_command;
    std::string approve_command;  // "" unless it waits for an approval.
    std::string text;             // All of it, for a person.
};
[[nodiscard]] IncidentMessage message_of(const Incident& incident, const MessageContext& context);

// A word in a command line that can be copied into a POSIX shell.
[[nodiscard]] std::string shell_word(const std::string& word);

}  // namespace medic
