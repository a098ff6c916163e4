// Tells people and systems: carries what the desk (desk.h) dispatches to webhooks, commands and Alertmanagers, and
// sends heartbeats while the agent is well. Best effort towards each receiver, never in the way of healing. On the
// reactor's thread. It decides nothing; what was told leaves as rows for the journal.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/notify/desk.h"
#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/reactor.h"

namespace medic {

struct NotifierParts {
    std::vector<NotifyConfig> receivers;
    Reactor& reactor;
    HttpFetcher& fetcher;
    std::string api_url, config_path;
    const VerdictLinks* links = nullptr;
    std::function<Now()> clock;
    std::function<void(std::vector<DeliveryRow>)> journal;  // Any time later; on the reactor's thread.
    std::function<std::string()> not_well;                  // "" while the agent is well: then hearts beat.
    std::function<void(const std::string&)> say;
    DeskOptions desk;
};

class Notifier {
public:
    explicit Notifier(NotifierParts parts);

    // What the journal knows: before start().
    void restore(const std::vector<DeliveryRow>& told, const std::vector<Incident>& incidents);
    void start();
    void update(const std::vector<Incident>& incidents);
    void notice(const std::string& text);
    [[nodiscard]] std::vector<DeskStats> stats() const { return desk_.stats(parts_.clock()); }

private:
    struct Target {
        NotifyConfig config;
        std::shared_ptr<const HttpAccess> access;  // Of its address; none for a plain one.
        bool failing = false;                      // Said once, until it works again.
    };
    void pass();
    void send(const Dispatch& dispatch);
    void run(const Dispatch& dispatch, const Target& target, const MessageContext& context);
    void post(const Dispatch& dispatch, const Target& target, std::string body, std::vector<std::string> labels);
    void finish(const Dispatch& dispatch, DispatchOutcome outcome, const std::vector<std::string>& labels,
                const std::string& why);
    void beat(const Target& heart);
    [[nodiscard]] MessageContext context_for(const Target& target) const;

    NotifierParts parts_;
    std::vector<Target> targets_;  // By the desk's number.
    std::vector<Target> hearts_;
    Desk desk_;
    WallTime started_;
};

}  // namespace medic
