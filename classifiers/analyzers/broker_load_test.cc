#include "classifiers/analyzers/broker_load.h"

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

// How busy broker 1 is told to be whose meter says one value until second 300 and another one since.
std::optional<double> busy_with(double idle_before, double idle_since, int page_every = 60, int seconds = 900) {
    Scene scene;
    const std::vector<LabelPair> broker{{"broker", "1"}};
    scene.constant("kafka_broker_up", broker, 1).series("kafka_broker_request_handler_idle_ratio", broker, [=](int s) {
        return s % page_every != 0 ? std::nullopt : std::optional(s < 300 ? idle_before : idle_since);
    });
    return scene.after(seconds, [](const View& view, const Now& now) {
        const Lookup lookup{view, now};
        return broker_loads(lookup, "lab").at("1").busy;
    });
}

TEST(BrokerLoad, IsBusyWhileItsHandlersDoNotWait) {
    EXPECT_NEAR(busy_with(0.7, 0.7).value(), 0.3, 1e-9);
    EXPECT_NEAR(busy_with(1.02, 1.02).value(), 0, 1e-9) << "a meter's rounding";
}

TEST(BrokerLoad, IsNotKnownFromAFewLooksWithinAMoment) {
    EXPECT_FALSE(busy_with(0.1, 0.1, 10, 50));
    EXPECT_NEAR(busy_with(0.1, 0.1, 10, 60).value(), 0.9, 1e-9);
}

// Both recorded clusters say about 1.8 while nothing happens.
TEST(BrokerLoad, ABrokerThatIsAControllerTooHasTwoPoolsInOneMeter) {
    EXPECT_NEAR(busy_with(1.8, 1.05).value(), 0.95, 1e-9);
    EXPECT_NEAR(busy_with(1.8, 1.8).value(), 0.2, 1e-9);
    EXPECT_NEAR(busy_with(1.8, 0.9).value(), 1, 1e-9);
}

}  // namespace
}  // namespace medic::analyzers
