// What a service manager (systemd) is told: ready, alive, stopping. Nothing happens where there is none.
// For agent/cli and agent/daemon; from any thread.
#pragma once

#include <cstdint>

namespace medic {

enum class ServiceState : std::uint8_t {
    ready,     // Start-up is over.
    alive,     // A sign of life for WatchdogSec=; only the loop's own tick gives it.
    stopping,  // In good order.
};

void tell_service_manager(ServiceState state);

}  // namespace medic
