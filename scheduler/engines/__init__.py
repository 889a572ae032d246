"""The engines that improve a plan; each finds orders of visits, which `scheduler.solver` judges."""
