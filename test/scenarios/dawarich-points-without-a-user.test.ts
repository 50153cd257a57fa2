import { rehearseAll } from "migration-sandbox/vitest";
import pointsWithoutAUser from "../../scenarios/dawarich/points-without-a-user.ts";

rehearseAll(pointsWithoutAUser);
