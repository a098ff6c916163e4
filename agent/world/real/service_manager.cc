#include "agent/world/real/service_manager.h"

#include <systemd/sd-daemon.h>

namespace medic {

void tell_service_manager(ServiceState state) {
    const char* text = state == ServiceState::ready   ? "READY=1"
                       : state == ServiceState::alive ? "WATCHDOG=1"
                                                      : "STOPPING=1";
    // A manager that can't be told restarts us in time: there is nothing better to do here.
    (void)sd_notify(0, text);
}

}  // namespace medic
