/**
 * The installation `demo` of a start without a config file. Its secrets are public: loopback only.
 * Its people are the owners of `connectors/local/sample.json`.
 */
export const demoInstallation = {
  crm: { type: "local", file: "demo-crm.json" },
  providers: {
    exotel: { secret: "demo-key" },
    voys: { secret: "demo-key" },
    retell: { apiKey: "demo-retell-key", defaultAgent: "agent_front_desk" },
    bird: { signingKey: "demo-bird-key" },
  },
  region: "IN",
  timeZone: "Asia/Kolkata",
  settleSeconds: 1,
  // Its keys work at no provider.
  reconcile: false,
  agents: [
    {
      email: "asha@example.com",
      name: "Asha Rao",
      exotel: ["agent_001"],
      voys: ["201", "401"],
      bird: ["asha"],
      retell: "agent_asha",
    },
    {
      email: "ben@example.com",
      name: "Ben Carter",
      exotel: ["agent_002"],
      voys: ["202", "402"],
      bird: ["ben"],
      retell: "agent_ben",
    },
    {
      email: "femke@example.com",
      name: "Femke Bakker",
      exotel: ["agent_003"],
      voys: ["203", "403"],
      bird: ["femke"],
      retell: "agent_femke",
    },
    {
      email: "chidi@example.com",
      name: "Chidi Eze",
      exotel: ["agent_004"],
      voys: ["204", "404"],
      bird: ["chidi"],
      retell: "agent_chidi",
    },
  ],
};
