#include "tests/support/far_network.h"

#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "tests/support/wait.h"

namespace tailgate::test {
namespace {

const std::string kNear = "tg-near";
const std::string kFar = "tg-far";
const std::string kNearHost = "10.207.0.1";

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

std::string network_of(pid_t pid) {
  return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/ns/net").string();
}

// Packets with a loopback address may leave and enter by the cable.
const std::string kRouteLocal = "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet";

}  // namespace

std::string FarNetwork::why_not() {
  const auto script = "ip link set lo up && ip link add " + kNear + " type veth peer name " + kFar + " && " +
                      kRouteLocal + " && iptables -A INPUT -i " + kNear +
                      " -m statistic --mode random --probability 0.05 -j DROP"
                      " && iptables -t nat -A OUTPUT -d 127.0.0.1 -j DNAT --to-destination " +
                      kNearHost + " && iptables -t nat -A POSTROUTING -j MASQUERADE";
  try {
    run({"unshare", "--net", "sh", "-c", script});
    return {};
  } catch (const std::runtime_error& error) {
    return std::string{"no namespaces with veth and iptables here: "} + error.what();
  }
}

FarNetwork::FarNetwork() {
  if (::unshare(CLONE_NEWNET) != 0) throw std::runtime_error(std::string{"unshare: "} + std::strerror(errno));
  const auto here = network_of(gettid());
  keeper_ = std::make_unique<Process>(std::vector<std::string>{"unshare", "--net", "sleep", "infinity"},
                                      folder_ / "keeper.log");
  if (!eventually([&] { return network_of(keeper_->pid()) != here; }))
    throw std::runtime_error("no far network: " + read_file(folder_ / "keeper.log"));
  run({"sh", "-c",
       "ip link set lo up && ip link add " + kNear + " type veth peer name " + kFar + " && ip link set " + kFar +
           " netns " + std::to_string(keeper_->pid()) + " && ip address add " + kNearHost + "/24 dev " + kNear +
           " && ip link set " + kNear + " up && " + kRouteLocal + " && iptables -t nat -A PREROUTING -i " + kNear +
           " -j DNAT --to-destination 127.0.0.1"});
  run(joined(starter(), {"sh", "-c",
                         "ip link set lo up && ip address add " + std::string{kFarHost} + "/24 dev " + kFar +
                             " && ip link set " + kFar + " up && " + kRouteLocal +
                             " && iptables -t nat -A OUTPUT -d 127.0.0.1 -p tcp -j DNAT --to-destination " + kNearHost +
                             " && iptables -t nat -A POSTROUTING -o " + kFar + " -j MASQUERADE"}));
}

std::vector<std::string> FarNetwork::starter() const {
  return {"nsenter", "--net=/proc/" + std::to_string(keeper_->pid()) + "/ns/net"};
}

void FarNetwork::cut() { on_both_ends({"-A", "INPUT", "-p", "tcp", "-j", "DROP"}); }

void FarNetwork::lose(double part) {
  on_both_ends({"-A", "INPUT", "-p", "tcp", "-m", "statistic", "--mode", "random", "--probability",
                std::to_string(part), "-j", "DROP"});
}

std::uint64_t FarNetwork::heal() {
  std::uint64_t dropped = 0;
  const std::vector<std::string> list{"iptables", "-nvxL", "INPUT"};
  for (const auto& text : {run(list), run(joined(starter(), list))}) {
    // "Chain INPUT …", the names of the columns, and a line for each rule that begins with its packets.
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) dropped += std::strtoull(line.c_str(), nullptr, 10);
  }
  on_both_ends({"-F", "INPUT"});
  return dropped;
}

void FarNetwork::on_both_ends(const std::vector<std::string>& rule) const {
  const auto at = [&](const std::string& end) {
    auto words = joined({"iptables"}, rule);
    if (rule.front() == "-A") words.insert(words.begin() + 3, {"-i", end});
    return words;
  };
  run(at(kNear));
  run(joined(starter(), at(kFar)));
}

}  // namespace tailgate::test
