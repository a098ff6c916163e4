#include "engine/flow/runtime/network.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/flow/runtime/socket.h"

namespace medic::engine::flow {
namespace {

// Introduces itself as nobody the server knows; true once the server has closed the connection.
bool is_served(int socket) {
    const std::string hello = "unknown\nme";
    const auto size = static_cast<std::uint32_t>(hello.size());
    char byte = 0;
    return write_all(socket, &size, sizeof size) && write_all(socket, hello.data(), hello.size()) &&
           ::read(socket, &byte, 1) == 0;
}

TEST(DataServer, AcceptsAgainAfterAMomentWithoutDescriptors) {
    const auto server = DataServer::listen(0);
    ASSERT_TRUE(server);
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int early = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(early, 0);
    rlimit none = limit;
    none.rlim_cur = 3;  // What is open stays open.
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    // Taken with the descriptor that the waiting accept() already holds; the next one has none.
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>((*server)->port()));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(early, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // For the acceptor to come to it.
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    const auto last = connect_to("127.0.0.1", (*server)->port());
    ASSERT_TRUE(last);
    for (const int socket : {early, *last}) {
        const timeval patience{60, 0};
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        EXPECT_TRUE(is_served(socket));
        ::close(socket);
    }
}

}  // namespace
}  // namespace medic::engine::flow
