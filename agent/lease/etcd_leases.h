// Leases in etcd (3.4 or newer), for agents on several hosts: etcd's own leases, asked through its JSON gateway
// (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/). A cluster's lease is one key, bound to an etcd lease of the
// holder's; its mod_revision is the fencing token. etcd counts its end, so the hosts' clocks need not agree.
#pragma once

#include <memory>
#include <vector>

#include "agent/base/access.h"
#include "agent/lease/lease.h"

namespace medic {

struct EtcdLeasesOptions {
    std::vector<std::string> urls;  // http://host:2379; the next one is tried when one does not answer.
    std::string ca_file;            // "" = the system's trust store.
    std::string username;           // "" = no login.
    SecretSource password;
    std::string prefix = "/streammedic/lease/";  // Before the cluster's name.
    std::string holder;                          // This agent's name.
    Duration ttl{90'000};                        // Whole seconds.
    Duration timeout{3'000};                     // Of one request.
};

[[nodiscard]] std::unique_ptr<LeaseStore> make_etcd_leases(EtcdLeasesOptions options);

}  // namespace medic
