// Kafka Connect's REST API (paths, status codes and bodies of 3.9) in front of a Herder. Handlers may block for the
// graceful stop.
#pragma once

#include <functional>
#include <string>

#include "agent/world/real/http_server.h"
#include "engine/connect/herder.h"

namespace medic::engine::connect {

// `cluster_id` is asked on each GET /: it is known only once a broker has answered.
[[nodiscard]] HttpHandler make_rest(Herder& herder, std::function<std::string()> cluster_id);

// The page that the JMX exporter gives for a Connect worker: its own counts and what the tasks measured.
[[nodiscard]] HttpHandler make_metrics_page(const Herder& herder);

}  // namespace medic::engine::connect
