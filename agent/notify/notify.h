// Tells people and systems of incidents: a webhook, a command by argument list, or an Alertmanager. Best effort,
// bounded, never in the way of healing; what was not delivered is counted. On the reactor's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/config/config.h"
#include "agent/loop/loop.h"
#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/reactor.h"

namespace medic {

class Notifier {
public:
    Notifier(std::vector<NotifyConfig> receivers, Reactor& reactor, HttpFetcher& fetcher)
        : receivers_(std::move(receivers)), reactor_(reactor), fetcher_(fetcher) {}

    void tell(const Notification& notification);
    [[nodiscard]] std::uint64_t undelivered() const { return undelivered_; }

private:
    std::vector<NotifyConfig> receivers_;
    Reactor& reactor_;
    HttpFetcher& fetcher_;
    std::uint64_t undelivered_ = 0;
    std::size_t commands_running_ = 0;
};

// {"schema":1,"incident":…,"cluster":…,"owner":…,"kind":…,"text":…,"at":…}; as Alertmanager's API v2 has it for kind
// alertmanager.
[[nodiscard]] std::string notification_json(const Notification& notification);
[[nodiscard]] std::string notification_alert(const Notification& notification);

}  // namespace medic
